import Glibc
import HTTPCodec
import Logs

/// One process of a handler and the Runtime API it is served.
///
/// `@unchecked`: confined to its loop's thread.
final class Child: @unchecked Sendable {
    private enum State {
        /// Started; it has not asked for an invocation yet.
        case starting
        /// Its request for the next invocation is held.
        case idle(CheckedContinuation<HTTPResponse, Never>)
        case busy(Invocation)
        case ended
    }

    private let pool: HandlerPool
    private let members: LoopMembers
    private let server: HTTPServer
    private var process: ChildProcess!
    private var state: State = .starting
    private var hasServed = false

    init(_ pool: HandlerPool) throws(GatewayError) {
        self.pool = pool
        members = LoopMembers(pool.loop)
        server = try HTTPServer(host: "127.0.0.1", port: 0, members: [members], log: pool.log)
        let root = "\(pool.configuration.directory)/\(pool.name)"
        do throws(SystemFailure) {
            process = try ChildProcess(
                path: "\(root)/bootstrap", environment: environment(root), loop: pool.loop
            ) { [weak self] in self?.exited($0) }
        } catch {
            server.stop()
            throw .system(error)
        }
        server.start(RuntimeAPI(child: self).service)
        pool.log.info("handler started", ["pid": Int(process.pid)])
    }

    var isIdle: Bool { if case .idle = state { true } else { false } }
    var isStarting: Bool { if case .starting = state { true } else { false } }

    /// Hands an invocation to an idle child.
    func run(_ invocation: Invocation) {
        guard case .idle(let request) = state else { preconditionFailure("the child is not idle") }
        state = .busy(invocation)
        hasServed = true
        invocation.limit(pool.configuration.invocationTimeout) { [weak self, weak invocation] in
            invocation?.fail(.timedOut)
            self?.process.signal(SIGKILL)
        }
        request.resume(returning: response(invocation))
    }

    func stop(grace: Duration) {
        process.signal(SIGTERM)
        _ = pool.loop.schedule(after: grace) { [self] in process.signal(SIGKILL) }
    }

    // MARK: From the Runtime API

    /// Waits for the next invocation; asking for it ends the one before.
    func next() async -> HTTPResponse {
        pool.loop.assertCurrent()
        switch state {
        case .busy(let invocation): invocation.finish(.noResponse)
        // A child that lost its connection asks again on another.
        case .idle(let earlier): earlier.resume(returning: .uniform(503))
        case .ended: return .uniform(503)
        case .starting: break
        }
        return await withCheckedContinuation { continuation in
            state = .idle(continuation)
            pool.childIsIdle(self)
        }
    }

    /// Answers the invocation in hand; false when it is not this one, or has been answered.
    func answer(_ id: String, _ answer: Invocation.Answer) -> Bool {
        guard case .busy(let invocation) = state, invocation.id == id, !invocation.isAnswered else { return false }
        invocation.answer(answer)
        return true
    }

    func initializationFailed(_ type: String) {
        pool.log.error("handler failed to initialize", ["pid": Int(process.pid), "errorType": type])
    }

    private func exited(_ exit: ChildProcess.Exit) {
        pool.log.info("handler ended", ["pid": Int(process.pid), "exit": "\(exit)"])
        let last = state
        state = .ended
        server.stop()
        switch last {
        case .busy(let invocation): invocation.finish(.crashed)
        case .idle(let request): request.resume(returning: .uniform(503))
        case .starting, .ended: break
        }
        if case .idle = last { hasServed = true }
        pool.childEnded(self, hasServed: hasServed)
    }

    private func environment(_ root: String) -> [String: String] {
        let lambda = [
            "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:\(server.port)",
            "AWS_LAMBDA_FUNCTION_NAME": pool.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": String(pool.configuration.memoryMegabytes),
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/\(pool.name)",
            "AWS_LAMBDA_LOG_STREAM_NAME": "local/[$LATEST]\(server.port)",
            "_HANDLER": pool.name,
            "LAMBDA_TASK_ROOT": root,
        ]
        return pool.configuration.environment.merging(lambda) { _, lambda in lambda }
    }

    private func response(_ invocation: Invocation) -> HTTPResponse {
        let now = pool.configuration.clock.now()
        let deadline = now.milliseconds + pool.configuration.invocationTimeout.nanoseconds / 1_000_000
        return HTTPResponse(
            status: 200, json: invocation.payload,
            fields: [
                "Lambda-Runtime-Aws-Request-Id": invocation.id,
                "Lambda-Runtime-Deadline-Ms": String(deadline),
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:local:000000000000:function:\(pool.name)",
                "Lambda-Runtime-Trace-Id": InvocationIdentifier.trace(seconds: now.seconds),
            ])
    }
}
