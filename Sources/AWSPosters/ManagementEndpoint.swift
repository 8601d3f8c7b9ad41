import ChatWire
import HTTPCodec
import Synchronization

/// Where `@connections` is: as configured, or learned from the events that API Gateway sends.
///
/// A function handles one invocation at a time, so what its event says holds for all its posts. Functions that API Gateway does
/// not call (`Cleanup`, `Fanout`, `Publish`) learn nothing and have to be told.
public final class ManagementEndpoint: Sendable {
    private let configured: String?
    private let learned = Mutex<String?>(nil)

    /// - Parameter url: with the stage, as boto3's `endpoint_url`: `https://abc.execute-api.eu-west-1.amazonaws.com/dev`,
    ///   `http://127.0.0.1:8081/local`; nil: from the events.
    public init(_ url: String? = nil) throws(AWSPostersError) {
        configured = try url.map { url throws(AWSPostersError) in
            guard let scheme = ["https://", "http://"].first(where: url.hasPrefix) else { throw .invalidEndpoint }
            let rest = url.dropFirst(scheme.count)
            guard let first = rest.utf8.first, first != UInt8(ascii: "/"), !rest.utf8.contains(where: ManagementEndpoint.isMisplaced)
            else { throw .invalidEndpoint }
            return String(url.reversed().drop { $0 == "/" }.reversed())
        }
    }

    /// Takes what an event says of its API, unless the endpoint is configured.
    ///
    /// `domainName` is a host of API Gateway's own, whose paths begin with the stage, or a custom domain, whose paths begin with
    /// the key of the API mapping. No event tells that key: it is taken to be empty, and another needs the configured URL.
    /// Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
    public func learn(from context: GatewayEvent.Context) {
        guard configured == nil, let host = context.domainName, !host.isEmpty,
            host.utf8.allSatisfy(ManagementEndpoint.isHostByte)
        else { return }
        let isOwn = host.lowercased().contains(".execute-api.")
        if isOwn, context.stage?.isEmpty != false { return }
        let path = isOwn ? "/\(PercentCoding.encoded(context.stage ?? ""))" : ""
        learned.withLock { $0 = "https://\(host)\(path)" }
    }

    /// Without a slash at its end, and whether it was learned; nil while nothing is known.
    public var location: (url: String, isLearned: Bool)? {
        if let configured { return (configured, false) }
        return learned.withLock { $0 }.map { ($0, true) }
    }

    private static func isMisplaced(_ byte: UInt8) -> Bool {
        byte <= UInt8(ascii: " ") || byte >= 0x7F || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#") || byte == UInt8(ascii: "@")
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: ":"):
            true
        default: false
        }
    }
}

/// A setting of the posters that cannot be used.
public enum AWSPostersError: Error, Equatable, Sendable, CustomStringConvertible {
    /// No `http://` or `https://` URL of a host and a path.
    case invalidEndpoint

    public var description: String {
        switch self {
        case .invalidEndpoint: "the endpoint of @connections is no http:// or https:// URL with a host and a stage"
        }
    }
}
