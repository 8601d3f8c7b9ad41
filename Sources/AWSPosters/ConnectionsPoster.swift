import AWSClient
import ChatBroadcast
import ChatModel
import HTTPCodec
import Logs

/// Posts through `@connections`, of API Gateway or of the local server.
///
/// The caller tries throttled and failed posts again, and bounds how many are in flight; here nothing is tried twice. A
/// room's posts are handed over together, as that is much less work than one after the other; a member that is slow holds up
/// none of them, and for no longer than ``timeout`` whoever comes after them.
/// Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
public final class ConnectionsPoster: Poster {
    /// Posts that are handed over together.
    static let together = 256
    /// Such groups under way at once: one that waits for a slow member keeps the next from nothing.
    static let groups = 4
    /// Bytes of frames that are handed over together, as each is copied to its request.
    static let bytesTogether = 8 << 20
    /// How long one post may take, tries and all; less if the function's own deadline is nearer.
    public static let timeout: Duration = .seconds(5)

    /// How long one try may take: a packet that is lost leaves time for another.
    public static let attemptTimeout: Duration = .seconds(2)

    /// Who answers at the endpoint.
    public enum Service: Sendable, Equatable {
        /// API Gateway: requests are signed.
        case apiGateway
        /// The local server's management listener: nothing is signed, and DELETE takes the close code (an extension, as API Gateway
        /// has none). The token is what it wants as a bearer, if anything.
        case localServer(token: String?)
    }

    private let caller: any AWSCaller
    private let endpoint: ManagementEndpoint
    private let service: Service
    private let fields: HTTPFields
    private let log: Log

    public init(
        caller: any AWSCaller, endpoint: ManagementEndpoint, service: Service = .apiGateway, log: Log
    ) {
        self.caller = caller
        self.endpoint = endpoint
        self.service = service
        self.log = log
        fields =
            switch service {
            case .apiGateway: ["Content-Type": "application/octet-stream"]
            case .localServer(let token?): ["Authorization": "Bearer \(token)"]
            case .localServer(nil): [:]
            }
    }

    public func post(_ frame: [UInt8], to connections: [ConnectionID]) async -> Delivery {
        guard !connections.isEmpty else { return Delivery() }
        guard let base = template(frame) else { return Delivery(failed: connections) }
        let most = max(1, min(ConnectionsPoster.together, ConnectionsPoster.bytesTogether / max(1, frame.count)))
        let found = await withWorkers(
            ConnectionsPoster.groups, over: (connections.count + most - 1) / most, finding: Findings()
        ) { group, found in
            let places = group * most..<min(connections.count, (group + 1) * most)
            let requests = connections[places].map { id in
                var request = base
                request.path = ConnectionsPoster.path(id)
                return request
            }
            for (place, result) in zip(places, await self.send(requests)) {
                if case .failure(let error) = result { found.note(error, place, connections[place]) }
            }
        }
        let all = found.reduce(into: Findings()) { $0.add($1) }
        all.faults.log("posts failed", of: connections.count, bytes: frame.count, to: log)
        // As they were given, whichever group was first.
        return Delivery(gone: all.gone.sorted().map { connections[$0] }, failed: all.failed.sorted().map { connections[$0] })
    }

    @discardableResult
    public func close(_ connection: ConnectionID, _ code: ServerClose) async -> SocketClosing {
        guard var request = template([]) else { return .failed }
        request.method = "DELETE"
        request.path = ConnectionsPoster.path(connection)
        if case .localServer = service { request.path += "?code=\(code.rawValue)" }
        guard case .failure(let error) = await send([request])[0] else { return .closed }
        guard !error.isGone else { return .absent }
        var faults = PostFaults()
        faults.note(error, connection)
        faults.log("close failed", of: 1, bytes: 0, to: log)
        return .failed
    }

    /// What all requests of a fan-out have in common; its parts are shared, not copied.
    private func template(_ frame: [UInt8]) -> AWSRequest? {
        guard let (url, isLearned) = endpoint.location else {
            log.error("endpoint unknown", ["reason": "set WEBSOCKET_ENDPOINT: no event has told where @connections is"])
            return nil
        }
        return AWSRequest(
            .management, endpoint: url, isDerived: isLearned, fields: fields, body: frame, isSigned: service == .apiGateway,
            timeout: ConnectionsPoster.attemptTimeout)
    }

    private static func path(_ id: ConnectionID) -> String { "/@connections/\(PercentCoding.encoded(id.text))" }

    private func send(_ requests: [AWSRequest]) async -> [Result<AWSResponse, AWSError>] {
        await AWSDeadline.within(ConnectionsPoster.timeout) { await caller.send(all: requests) }
    }
}

/// Whom a group did not reach, by place.
private struct Findings: Sendable {
    var gone: [Int] = []
    var failed: [Int] = []
    var faults = PostFaults()

    mutating func note(_ error: AWSError, _ place: Int, _ id: ConnectionID) {
        if error.isGone {
            gone.append(place)
        } else {
            failed.append(place)
            faults.note(error, id)
        }
    }

    mutating func add(_ other: Findings) {
        gone += other.gone
        failed += other.failed
        faults.add(other.faults)
    }
}

extension AWSError {
    fileprivate var isGone: Bool {
        if case .refused(let refusal) = self { refusal.status == 410 } else { false }
    }
}
