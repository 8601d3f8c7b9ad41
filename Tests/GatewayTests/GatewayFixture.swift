import ChatModel
import ChatWire
import Synchronization
import TestSupport
import Testing
import WebSocketCodec

@testable import Gateway

/// Handlers a test writes as one closure; keeps every event it was asked for.
final class ScriptedHandlers: HandlerInvoker {
    typealias Script = @Sendable (Route, GatewayEvent) async throws -> HandlerOutcome

    private let script: Script
    private let seen = Mutex<[GatewayEvent]>([])

    init(_ script: @escaping Script = { _, _ in HandlerOutcome(ProxyResponse()) }) { self.script = script }

    func invoke(_ route: Route, _ event: GatewayEvent) async throws -> HandlerOutcome {
        seen.withLock { $0.append(event) }
        return try await script(route, event)
    }

    var events: [GatewayEvent] { seen.withLock { $0 } }

    func events(_ route: Route) -> [GatewayEvent] { events.filter { $0.context.routeKey == route.rawValue } }
}

/// A gateway on free ports, stopped at the end of the test.
struct GatewayFixture {
    let gateway: Gateway
    let handlers: ScriptedHandlers

    static func run(
        _ configure: (inout GatewayConfiguration) -> Void = { _ in },
        handlers: ScriptedHandlers = ScriptedHandlers(),
        _ body: (GatewayFixture) async throws -> Void
    ) async throws {
        var configuration = GatewayConfiguration()
        configuration.port = 0
        configuration.managementPort = 0
        configure(&configuration)
        let gateway = try Gateway(configuration)
        gateway.start(handlers)
        do {
            try await body(GatewayFixture(gateway: gateway, handlers: handlers))
        } catch {
            await gateway.stop()
            throw error
        }
        await gateway.stop()
    }

    func connect(
        path: String = "/", subprotocols: [String] = [], answersAutomatically: Bool = true
    ) async throws -> WebSocketTestClient {
        try await .connect(
            port: gateway.port, path: path, subprotocols: subprotocols, answersAutomatically: answersAutomatically,
            sha1: SHA1.digest)
    }

    /// The id of the connection whose `$connect` came last.
    var lastID: ConnectionID { ConnectionID(handlers.events(.connect).last!.context.connectionID)! }

    /// The one `$disconnect`, once it has come.
    func disconnect() async throws -> GatewayEvent {
        try await eventually { handlers.events(.disconnect).first }
    }
}

/// Waits for a condition, ten seconds at most.
func eventually<Value>(
    _ condition: () throws -> Value?, sourceLocation: SourceLocation = #_sourceLocation
) async throws -> Value {
    for _ in 0..<2000 {
        if let value = try condition() { return value }
        try await Task.sleep(for: .milliseconds(5))
    }
    return try #require(try condition(), "the condition never held", sourceLocation: sourceLocation)
}

/// A clock that moves when it is told to.
final class TurnedClock: GatewayClock {
    private let elapsed = Atomic<Int64>(0)

    func advance(by duration: Duration) { elapsed.add(duration.nanoseconds, ordering: .relaxed) }
    func monotonicNanoseconds() -> Int64 { elapsed.load(ordering: .relaxed) }
    func now() -> Timestamp { Timestamp(milliseconds: 1_800_000_000_000 + monotonicNanoseconds() / 1_000_000) }
}

/// A door that opens once.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Mutex(State())

    func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func pass() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiters.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}

extension HandlerOutcome {
    static func reply(_ text: String) -> HandlerOutcome { HandlerOutcome(ProxyResponse(body: Array(text.utf8))) }
}
