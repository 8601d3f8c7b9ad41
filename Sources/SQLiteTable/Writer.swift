import ChatStore
import Glibc
import Synchronization

/// The queue of writes and the thread that commits them.
///
/// A thread of its own and not one of the tasks' pool, because a commit waits for the disk. It takes whatever is queued
/// as one group and never waits for more: an idle table answers after one commit, a busy one shares commits.
final class Writer: Sendable {
    private struct Queue {
        var requests: [WriteRequest] = []
        /// How many of the last group are being committed.
        var taken = 0
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

    init(_ connection: SQLiteConnection, onCommit: (@Sendable ([ItemChange]) -> Void)?) {
        let loop = WriterLoop(writer: self, commits: GroupCommit(connection, onCommit: onCommit))
        thread.withLock { $0 = loop.start() }
    }

    /// Requests that are not answered yet.
    var unanswered: Int { queue.withLock { $0.requests.count + $0.taken } }

    /// False when the writer is closed; the request is then not answered.
    func submit(_ request: WriteRequest) -> Bool {
        let accepted: (isOpen: Bool, isFirst: Bool) = queue.withLock { queue in
            guard !queue.isClosed else { return (false, false) }
            queue.requests.append(request)
            return (true, queue.requests.count == 1)
        }
        if accepted.isFirst { signal.raise() }
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
    fileprivate func nextGroup() -> [WriteRequest]? {
        while true {
            let (group, isClosed) = queue.withLock { queue in
                let group = Array(queue.requests.prefix(Self.groupLimit))
                queue.requests.removeFirst(group.count)
                queue.taken = group.count
                return (group, queue.isClosed)
            }
            if !group.isEmpty { return group }
            if isClosed { return nil }
            signal.wait()
        }
    }
}

/// What the thread owns: the connection goes with it.
private final class WriterLoop {
    private let writer: Writer
    private let commits: GroupCommit

    init(writer: Writer, commits: GroupCommit) {
        self.writer = writer
        self.commits = commits
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
        while let group = writer.nextGroup() { commits.commit(group, counting: writer.commits) }
        commits.checkpoint()
    }
}
