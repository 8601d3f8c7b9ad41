/// One event on its way through a child: answered once, and done when the child is ready for the next.
///
/// `@unchecked`: confined to its loop's thread.
final class Invocation: @unchecked Sendable {
    typealias Answer = Result<[UInt8], GatewayError>

    let id: String
    let payload: [UInt8]
    let loop: EventLoop
    private var continuation: CheckedContinuation<Answer, Never>?
    private var isDone = false
    private var waiters: [CheckedContinuation<Void, Never>] = []
    private var timer: Timers.Token?

    init(id: String, payload: [UInt8], loop: EventLoop, continuation: CheckedContinuation<Answer, Never>) {
        self.id = id
        self.payload = payload
        self.loop = loop
        self.continuation = continuation
    }

    var isAnswered: Bool { continuation == nil }

    /// Only the first answer counts.
    func answer(_ answer: Answer) {
        loop.assertCurrent()
        continuation.take()?.resume(returning: answer)
    }

    func fail(_ failure: HandlerFailure) { answer(.failure(.handler(failure))) }

    /// The child asks for the next invocation, or is gone.
    func finish(_ failure: HandlerFailure) {
        fail(failure)
        if let timer { loop.cancel(timer) }
        isDone = true
        for waiter in waiters { waiter.resume() }
        waiters = []
    }

    /// Runs `action` unless the invocation is done by then; replaces an earlier limit.
    func limit(_ delay: Duration, _ action: @escaping () -> Void) {
        if let timer { loop.cancel(timer) }
        timer = loop.schedule(after: delay, action)
    }

    /// Returns once the work after the answer is done too. From any thread.
    func done() async {
        await withCheckedContinuation { continuation in
            let isTaken = loop.execute { [self] in
                if isDone { continuation.resume() } else { waiters.append(continuation) }
            }
            if !isTaken { continuation.resume() }
        }
    }
}
