import Synchronization

/// What other threads hand to a loop: jobs of the concurrency runtime and calls, in one order.
final class LoopInbox: Sendable {
    enum Work: Sendable {
        case job(UnownedJob)
        case call(@Sendable () -> Void)
    }

    enum Arrival {
        /// The loop is awake and will look.
        case queued
        /// The loop may be asleep: whoever gets this wakes it, once for all that follows.
        case wakes
        /// The loop has ended and takes nothing any more.
        case refused
    }

    private struct State {
        var work: [Work] = []
        var isAsleep = false
        var isClosed = false
    }

    private let state = Mutex(State())

    func put(_ work: Work) -> Arrival {
        state.withLock { state in
            if state.isClosed { return .refused }
            state.work.append(work)
            defer { state.isAsleep = false }
            return state.isAsleep ? .wakes : .queued
        }
    }

    var hasWork: Bool { state.withLock { !$0.work.isEmpty } }

    /// Before the loop waits: true when there is nothing to do, and whatever comes from now on wakes it.
    func fallAsleep() -> Bool {
        state.withLock { state in
            guard state.work.isEmpty else { return false }
            state.isAsleep = true
            return true
        }
    }

    /// Exchanges what has come for the caller's empty array, so that neither side allocates again.
    func take(into batch: inout [Work]) {
        state.withLock { state in
            state.isAsleep = false
            swap(&state.work, &batch)
        }
    }

    /// Takes nothing from now on; what came before is the caller's.
    func close() -> [Work] {
        state.withLock { state in
            state.isClosed = true
            defer { state.work = [] }
            return state.work
        }
    }
}
