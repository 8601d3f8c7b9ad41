import Glibc
import Logs

/// The children of one handler, and the invocations that wait for one of them.
///
/// `@unchecked`: confined to its loop's thread.
final class HandlerPool: @unchecked Sendable {
    let name: String
    let configuration: ChildHandlersConfiguration
    let loop: EventLoop
    let log: Log
    private var children: [Child] = []
    private var queue = FIFO<Invocation>()
    /// Children in a row that ended before their first invocation.
    private var earlyDeaths = 0
    private var isBackingOff = false
    private var onStopped: (() -> Void)?

    private static let firstBackOff: Duration = .milliseconds(100)
    /// How often a failure that passes is waited for.
    private static let passingFailures = 5
    private static let maxBackOff: Duration = .seconds(10)

    init(_ name: String, _ configuration: ChildHandlersConfiguration, _ loop: EventLoop) {
        self.name = name
        self.configuration = configuration
        self.loop = loop
        log = configuration.log.with(["handler": name])
    }

    private var isStopped: Bool { onStopped != nil }

    func warm() {
        if children.isEmpty { startChild() }
    }

    func submit(_ invocation: Invocation) {
        if isStopped { return invocation.finish(.stopped) }
        if let child = children.first(where: \.isIdle) { return child.run(invocation) }
        guard queue.count < configuration.queueLength else { return invocation.finish(.overloaded) }
        queue.append(invocation)
        invocation.limit(configuration.invocationTimeout) { [weak self, weak invocation] in
            guard let self, let invocation else { return }
            queue.removeAll { $0 === invocation }
            invocation.finish(.timedOut)
        }
        startIfNeeded()
    }

    /// SIGTERM to all, SIGKILL after the grace; `then` is called when all are reaped.
    func stop(_ then: @escaping () -> Void) {
        onStopped = then
        failQueue(.stopped)
        if children.isEmpty { return then() }
        for child in children { child.stop(grace: configuration.stopGrace) }
    }

    // MARK: From the children

    func childIsIdle(_ child: Child) {
        earlyDeaths = 0
        if let invocation = queue.popFirst() { child.run(invocation) }
    }

    func childEnded(_ child: Child, hasServed: Bool) {
        children.removeAll { $0 === child }
        if isStopped {
            if children.isEmpty { onStopped?() }
            return
        }
        if hasServed { return startIfNeeded(atLeastOne: true) }
        diedEarly(.crashed)
    }

    private func startIfNeeded(atLeastOne: Bool = false) {
        guard !isStopped, !isBackingOff, children.count < configuration.concurrency else { return }
        let starting = children.count(where: \.isStarting)
        if queue.count > starting || atLeastOne && children.isEmpty { startChild() }
    }

    private func startChild() {
        guard !isBackingOff else { return }
        do throws(GatewayError) {
            children.append(try Child(self))
        } catch {
            log.error("handler cannot start", ["because": "\(error)"])
            if case .system(let failure) = error { diedEarly(.cannotStart(failure.errno)) } else { diedEarly(.crashed) }
        }
    }

    /// Waiting longer and longer keeps a broken handler from eating the machine.
    private func diedEarly(_ failure: HandlerFailure) {
        earlyDeaths += 1
        // ETXTBSY: the executable is being written, as when a new version is copied in. It will be there soon.
        let isPassing = failure == .cannotStart(ETXTBSY) && earlyDeaths < Self.passingFailures
        if children.isEmpty, !isPassing { failQueue(failure) }
        isBackingOff = true
        let delay = min(Self.maxBackOff, Self.firstBackOff * (1 << min(earlyDeaths - 1, 10)))
        _ = loop.schedule(after: delay) { [weak self] in
            self?.isBackingOff = false
            self?.startIfNeeded()
        }
    }

    private func failQueue(_ failure: HandlerFailure) {
        while let invocation = queue.popFirst() { invocation.finish(failure) }
    }
}
