import AWSClient
import ChatBroadcast
import ChatModel
import HTTPCodec
import Logs

/// Posts through `@connections`, of API Gateway or of the local server.
///
/// The caller tries throttled and failed posts again; here nothing is tried twice. A room's posts are done by so many tasks as
/// posts may be in flight, so a member that is slow holds up one of them, for no longer than ``timeout``.
/// Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
public final class ConnectionsPoster: Poster {
    /// Posts in flight, of all fan-outs of this poster together.
    public static let concurrency = 64
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
    private let permits: Permits
    private let workers: Int
    private let fields: HTTPFields
    private let log: Log

    public init(
        caller: any AWSCaller, endpoint: ManagementEndpoint, service: Service = .apiGateway,
        concurrency: Int = ConnectionsPoster.concurrency, log: Log
    ) {
        self.caller = caller
        self.endpoint = endpoint
        self.service = service
        self.log = log
        permits = Permits(concurrency)
        workers = concurrency
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
        let found = await withWorkers(workers, over: connections.count, finding: Findings()) { place, found in
            var request = base
            request.path = ConnectionsPoster.path(connections[place])
            guard let error = await self.send(request) else { return }
            found.note(error, place, connections[place])
        }
        let all = found.reduce(into: Findings()) { $0.add($1) }
        all.faults.log("posts failed", of: connections.count, bytes: frame.count, to: log)
        // As they were given, whichever worker was first.
        return Delivery(gone: all.gone.sorted().map { connections[$0] }, failed: all.failed.sorted().map { connections[$0] })
    }

    public func close(_ connection: ConnectionID, _ code: ServerClose) async {
        guard var request = template([]) else { return }
        request.method = "DELETE"
        request.path = ConnectionsPoster.path(connection)
        if case .localServer = service { request.path += "?code=\(code.rawValue)" }
        guard let error = await send(request), !error.isGone else { return }
        var faults = PostFaults()
        faults.note(error, connection)
        faults.log("close failed", of: 1, bytes: 0, to: log)
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

    private func send(_ request: AWSRequest) async -> AWSError? {
        await permits.take()
        defer { permits.give() }
        switch await caller.send(request, within: ConnectionsPoster.timeout) {
        case .success: return nil
        case .failure(let error): return error
        }
    }
}

/// Whom one worker did not reach, by place.
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
