import ChatStore
import Glibc
import Synchronization

/// The queue of writes and the thread that commits them.
///
/// A thread of its own and not one of the tasks' pool, because a commit waits for the disk. It takes whatever is queued
/// as one group: an idle table answers after one commit, a busy one shares commits, and waits for company within the
/// bounds of its ``GatherWindow``.
final class Writer: Sendable {
    private struct Queue {
        var requests: [WriteRequest] = []
        /// How many of the last group are being committed.
        var taken = 0
        /// How many queued requests the thread sleeps for; nil while it is awake.
        var sleepsFor: Int?
        var isClosed = false
    }

    private let queue = Mutex(Queue())
    private let signal = Signal()
    /// Nil once joined.
    private let thread: Mutex<pthread_t?> = Mutex(nil)
    /// Transactions committed.
    let commits = Atomic<Int>(0)

    /// Requests that one transaction holds at most.
    static let groupLimit = 1000

    init(
        _ connection: SQLiteConnection, options: SQLiteTable.Options = SQLiteTable.Options(), cache: ItemCache? = nil,
        onCommit: (@Sendable ([ItemChange]) -> Void)?
    ) {
        let loop = WriterLoop(
            writer: self, commits: GroupCommit(connection, options: options, cache: cache, onCommit: onCommit),
            window: GatherWindow(bound: options.gathering))
        thread.withLock { $0 = loop.start() }
    }

    /// Requests that are not answered yet.
    var unanswered: Int { queue.withLock { $0.requests.count + $0.taken } }

    /// Whether a group is being committed.
    var isCommitting: Bool { queue.withLock { $0.taken > 0 } }

    /// False when the writer is closed; the request is then not answered.
    func submit(_ request: WriteRequest) -> Bool {
        let accepted: (isOpen: Bool, wakes: Bool) = queue.withLock { queue in
            guard !queue.isClosed else { return (false, false) }
            queue.requests.append(request)
            guard let count = queue.sleepsFor, queue.requests.count >= count else { return (true, false) }
            queue.sleepsFor = nil
            return (true, true)
        }
        if accepted.wakes { signal.raise() }
        return accepted.isOpen
    }

    /// Commits and answers what is queued, closes the connection and ends the thread. Further calls do nothing.
    func close() {
        queue.withLock { $0.isClosed = true }
        signal.raise()
        let ended = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        guard let ended else { return }
        // The last reference may go on the writer's own thread, which cannot wait for itself.
        if pthread_equal(ended, pthread_self()) != 0 {
            pthread_detach(ended)
        } else {
            pthread_join(ended, nil)
        }
    }

    /// Sleeps until there is something to commit; nil when there never will be again.
    fileprivate func nextGroup(_ window: GatherWindow) -> [WriteRequest]? {
        var deadline: MonotonicMoment?
        while true {
            switch queue.withLock({ next(&$0, window, isLate: deadline.map { $0 <= .now() } ?? false) }) {
            case .group(let group): return group
            case .end: return nil
            case .sleep: signal.wait()
            case .gather:
                let end = deadline ?? .now(window.bound)
                deadline = end
                _ = signal.wait(until: end)
            }
        }
    }

    private enum Step { case group([WriteRequest]), end, sleep, gather }

    private func next(_ queue: inout Queue, _ window: GatherWindow, isLate: Bool) -> Step {
        queue.taken = 0
        queue.sleepsFor = nil
        guard !queue.requests.isEmpty else {
            if queue.isClosed { return .end }
            queue.sleepsFor = 1
            return .sleep
        }
        if !isLate, !queue.isClosed, let target = window.target(queued: queue.requests.count) {
            queue.sleepsFor = target
            return .gather
        }
        let group = Array(queue.requests.prefix(Self.groupLimit))
        queue.requests.removeFirst(group.count)
        queue.taken = group.count
        return .group(group)
    }
}

/// What the thread owns: the connection goes with it.
private final class WriterLoop {
    private let writer: Writer
    private let commits: GroupCommit
    private var window: GatherWindow

    init(writer: Writer, commits: GroupCommit, window: GatherWindow) {
        self.writer = writer
        self.commits = commits
        self.window = window
    }

    func start() -> pthread_t {
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, nil,
            { loop in
                unsafe Unmanaged<WriterLoop>.fromOpaque(loop!).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        precondition(code == 0, "no thread for the writer")
        return thread
    }

    private func run() {
        while let group = writer.nextGroup(window) {
            window.took(group.count)
            commits.commit(group, counting: writer.commits)
        }
        commits.checkpoint()
    }
}
