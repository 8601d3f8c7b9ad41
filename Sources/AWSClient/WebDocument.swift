import HTTPCodec

/// A small document on the web, such as an issuer's public keys: read whole, from the host that is named and no other.
///
/// The certificate is verified, no redirect is followed, and nothing but status 200 counts. Nobody is asked before
/// ``read()``, and no connection is kept after it.
public struct WebDocument: Sendable {
    /// For TCP and TLS.
    public static let connectTimeout: Duration = .seconds(3)
    /// For the whole of it; ``AWSDeadline`` may leave less.
    public static let timeout: Duration = .seconds(5)
    private static let maxQueryBytes = 2048

    /// The URL without its query, for logs.
    public let name: String
    private let url: String
    private let transport: any HTTPTransport

    /// Nil for anything but `https://HOST[:PORT][/PATH][?QUERY]`, and `http://` to this machine, for tests and development.
    /// - Parameters:
    ///   - maxBytes: what a longer document is refused at, while it is read.
    ///   - authorities: a PEM file with those that may vouch for the host; nil for libcurl's own.
    public init?(_ url: String, maxBytes: Int, authorities: String?) {
        var options = CurlTransport.Options()
        (options.authorities, options.maxBodyBytes, options.connectTimeout) = (authorities, maxBytes, Self.connectTimeout)
        options.maxConnections = 1
        self.init(url, transport: CurlTransport(options))
    }

    init?(_ url: String, transport: any HTTPTransport) {
        let parts = url.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let endpoint = EndpointURL(String(parts[0])), endpoint.isSecure || endpoint.isLoopback else { return nil }
        if parts.count > 1 {
            guard parts[1].utf8.count <= Self.maxQueryBytes, parts[1].utf8.allSatisfy(Self.isQueryByte) else { return nil }
        }
        (self.url, self.transport) = (url, transport)
        name = String(parts[0])
    }

    /// The document as it is now.
    public func read() async throws(WebDocumentError) -> [UInt8] {
        var time = Self.timeout
        if let deadline = AWSDeadline.current { time = min(time, deadline - .now - AWSDeadline.reserve) }
        guard time > .zero else { throw .timedOut }
        let request = OutgoingRequest(
            method: "GET", url: url,
            fields: ["Accept": "application/json", "User-Agent": "muster", "Connection": "close"])
        let answer: HTTPResponse
        do throws(TransportFailure) {
            answer = try await transport.send(request, timeout: time)
        } catch {
            throw WebDocumentError(error)
        }
        guard answer.status == 200 else { throw .status(answer.status) }
        return answer.body
    }

    private static func isQueryByte(_ byte: UInt8) -> Bool { (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "#") }
}

/// Why a ``WebDocument`` cannot be read now.
public enum WebDocumentError: Error, Equatable, Sendable {
    /// Name resolution, connection, TLS, or an answer that ended too soon, in libcurl's words.
    case unreachable(String)
    case timedOut
    /// Another status than 200; a redirect is one.
    case status(Int)
    case tooLarge
    /// The task was.
    case cancelled

    init(_ failure: TransportFailure) {
        self =
            switch failure {
            case .unavailable(let reason), .lost(let reason): .unreachable(reason)
            case .timedOut: .timedOut
            case .tooLarge: .tooLarge
            case .cancelled: .cancelled
            }
    }
}
