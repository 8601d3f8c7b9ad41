import ChatModel
import ChatWire
import Logs
import Synchronization

/// Runs the deployable handlers as children of this process and is the Lambda Runtime API to them.
///
/// `DIR/<Handler>/bootstrap` is started when it is needed, serves one invocation at a time, and is joined by more of
/// its kind when busy. Each child has a Runtime API port of its own, so that what it is working on is known.
public final class ChildHandlers: HandlerInvoker {
    private let configuration: ChildHandlersConfiguration
    private let loop: EventLoop
    private let pools: Pools

    /// Confined to the loop.
    private final class Pools: @unchecked Sendable {
        var byName: [String: HandlerPool] = [:]
        var isStopped = false
    }

    public init(_ configuration: ChildHandlersConfiguration) throws(GatewayError) {
        self.configuration = configuration
        loop = try EventLoop.start(named: "handlers", clock: configuration.clock)
        pools = Pools()
    }

    /// Starts the first child of each handler, all at once.
    public func warm(_ handlers: [String]) {
        loop.execute { [self] in
            for name in handlers { pool(name)?.warm() }
        }
    }

    /// Throws ``GatewayError/handler(_:)`` when the child has no answer. The outcome's afterward ends when the child
    /// asks for its next invocation.
    public func invoke(_ route: Route, _ event: GatewayEvent) async throws -> HandlerOutcome {
        let (answer, invocation) = await run(route.handlerName, event.encoded())
        guard let response = try? ProxyResponse(decoding: answer.get()) else {
            _ = try answer.get()
            throw GatewayError.handler(.malformedResponse)
        }
        return HandlerOutcome(response) { await invocation?.done() }
    }

    /// Invokes any handler with an event of its own kind and returns its answer as it is.
    /// - Parameter afterward: told when the child has done its work after the answer, or will never.
    public func invoke(
        handler: String, payload: [UInt8], afterward: @escaping @Sendable () -> Void = {}
    ) async throws(GatewayError) -> [UInt8] {
        let (answer, invocation) = await run(handler, payload)
        Task {
            await invocation?.done()
            afterward()
        }
        return try answer.get()
    }

    /// Ends the children: SIGTERM, and after a grace SIGKILL. What is in their hands fails.
    public func stop() async {
        await withCheckedContinuation { continuation in
            let isTaken = loop.execute { [self] in
                pools.isStopped = true
                var remaining = pools.byName.count
                guard remaining > 0 else { return continuation.resume() }
                for pool in pools.byName.values {
                    pool.stop {
                        remaining -= 1
                        if remaining == 0 { continuation.resume() }
                    }
                }
            }
            if !isTaken { continuation.resume() }
        }
        loop.stop()
    }

    private func run(_ handler: String, _ payload: [UInt8]) async -> (answer: Invocation.Answer, invocation: Invocation?) {
        let place = Mutex<Invocation?>(nil)
        let answer = await withCheckedContinuation { continuation in
            let invocation = Invocation(
                id: InvocationIdentifier.make(), payload: payload, loop: loop, continuation: continuation)
            place.withLock { $0 = invocation }
            let isTaken = loop.execute { [self] in
                if let pool = pool(handler) { pool.submit(invocation) } else { invocation.finish(.stopped) }
            }
            if !isTaken { continuation.resume(returning: .failure(.handler(.stopped))) }
        }
        return (answer, place.withLock { $0 })
    }

    private func pool(_ name: String) -> HandlerPool? {
        if pools.isStopped { return nil }
        if let pool = pools.byName[name] { return pool }
        let pool = HandlerPool(name, configuration, loop)
        pools.byName[name] = pool
        return pool
    }
}

/// Where the deployable handlers are and how they are run.
public struct ChildHandlersConfiguration: Sendable {
    /// Holds `<Handler>/bootstrap`; an absolute path, for the children see it.
    public var directory: String
    /// What the children see, besides what Lambda sets.
    public var environment: [String: String]
    /// Children of one handler.
    public var concurrency = 8
    /// Invocations of one handler that may wait for a child.
    public var queueLength = 10_000
    /// Of an invocation, from when a child has it, and again of its wait for one; Lambda behind API Gateway has 29 s.
    public var invocationTimeout: Duration = .seconds(29)
    /// Between SIGTERM and SIGKILL.
    public var stopGrace: Duration = .seconds(1)
    public var memoryMegabytes = 512
    public var clock: any GatewayClock = MachineClock()
    public var log = Log.silent

    public init(directory: String, environment: [String: String] = [:]) {
        self.directory = directory
        self.environment = environment
    }
}
