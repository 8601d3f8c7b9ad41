/// Runs every task of a run on one thread, in an order that a seed decides, in a time of its own.
///
/// Of the jobs that are ready chance picks the next, so that any two handlers interleave in any way at their awaits; when none is,
/// time jumps to the next timer. The same seed makes the same run.
///
/// `@unchecked`: confined to the thread that calls ``run()``.
final class SeededExecutor: TaskExecutor, @unchecked Sendable {
    /// What a timer does.
    private enum Action {
        case resume(UnsafeContinuation<Void, Never>)
        case call(() -> Void)
    }

    private struct Timer {
        let time: Int64
        /// Timers of one moment go off in the order in which they were set.
        let order: Int
        /// Where its action is: numbers move about the heap quicker than what counts its references.
        let place: Int

        func precedes(_ other: Timer) -> Bool { time == other.time ? order < other.order : time < other.time }
    }

    /// Milliseconds since the run began.
    private(set) var now: Int64 = 0
    private var chance: Chance
    private var ready: [UnownedJob] = []
    /// A binary heap.
    private var timers: [Timer] = []
    private var actions: [Action?] = []
    private var freePlaces: [Int] = []
    private var timersSet = 0
    private var isStopped = false

    init(_ chance: Chance) { self.chance = chance }

    func enqueue(_ job: consuming ExecutorJob) { ready.append(UnownedJob(job)) }

    /// Starts a task here; what it starts itself is here too.
    func spawn(_ body: @escaping @Sendable () async -> Void) { Task(executorPreference: self) { await body() } }

    /// Runs until ``stop()`` or until nothing is left to do.
    /// - Returns: whether it was stopped.
    func run() -> Bool {
        let identity = asUnownedTaskExecutor()
        while !isStopped {
            if ready.isEmpty {
                guard let timer = nextTimer() else { return false }
                now = timer.time
                let action = actions[timer.place]
                actions[timer.place] = nil
                freePlaces.append(timer.place)
                switch action {
                case .resume(let continuation): continuation.resume()
                case .call(let body): body()
                case nil: preconditionFailure("a timer without an action")
                }
            } else {
                let place = chance.below(ready.count)
                ready.swapAt(place, ready.count - 1)
                ready.removeLast().runSynchronously(on: identity)
            }
        }
        // What waits refers to the run, and the run to this.
        actions = []
        return true
    }

    func stop() { isStopped = true }

    /// Comes back after so many milliseconds.
    func sleep(_ milliseconds: Int) async {
        await withUnsafeContinuation { push(.resume($0), milliseconds) }
    }

    /// Lets chance pick who goes on.
    func yield() async { await withUnsafeContinuation { $0.resume() } }

    /// Calls after so many milliseconds.
    func after(_ milliseconds: Int, _ body: @escaping () -> Void) {
        push(.call(body), milliseconds)
    }

    private func push(_ action: Action, _ milliseconds: Int) {
        let free = freePlaces.popLast()
        if let free { actions[free] = action } else { actions.append(action) }
        let timer = Timer(time: now + Int64(milliseconds), order: timersSet, place: free ?? actions.count - 1)
        timersSet += 1
        timers.append(timer)
        var place = timers.count - 1
        while place > 0, timers[place].precedes(timers[(place - 1) / 2]) {
            timers.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    private func nextTimer() -> Timer? {
        guard let first = timers.first else { return nil }
        let last = timers.removeLast()
        if timers.isEmpty { return first }
        timers[0] = last
        var place = 0
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2] where child < timers.count && timers[child].precedes(timers[least]) {
                least = child
            }
            if least == place { return first }
            timers.swapAt(place, least)
            place = least
        }
    }
}
