import Glibc
import Logs
import Simulation
import Synchronization

let machineCores = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))

/// Many seeds, on several threads, until one shows a violation.
final class Campaign: Sendable {
    private struct State {
        var next: UInt64
        var done: UInt64 = 0
        var operations = 0
        var fewest = Int.max
        var events = 0
        var violation: (seed: UInt64, violation: Violation)?
    }

    private let first: UInt64
    /// Nil: until the time is up.
    private let last: UInt64?
    private let deadline: ContinuousClock.Instant?
    private let jobs: Int
    private let isQuiet: Bool
    private let began = ContinuousClock.now
    private let state: Mutex<State>

    init(_ seeds: Options.Seeds, jobs: Int, isQuiet: Bool) {
        switch seeds {
        case .range(let range): (first, last, deadline) = (range.lowerBound, range.upperBound, nil)
        case .random(let seconds):
            (first, last, deadline) = (UInt64.random(in: 1_000_000...1_000_000_000_000), nil, ContinuousClock.now + .seconds(seconds))
        }
        self.jobs = jobs
        self.isQuiet = isQuiet
        state = Mutex(State(next: first))
    }

    static func line(of violation: Violation, seed: UInt64) -> String {
        "violation: \(violation.invariant.rawValue) seed \(seed): \(violation.text)"
    }

    /// - Returns: the exit status.
    func run() -> Int32 {
        if last == nil, !isQuiet { print("seeds from \(first)") }
        var threads: [pthread_t] = []
        for _ in 0..<jobs {
            var thread = pthread_t()
            let context = unsafe Unmanaged.passRetained(self).toOpaque()
            let code = unsafe pthread_create(&thread, nil, { context in
                unsafe Unmanaged<Campaign>.fromOpaque(context!).takeRetainedValue().work()
                return nil
            }, context)
            precondition(code == 0, "pthread_create")
            threads.append(thread)
        }
        for thread in threads { pthread_join(thread, nil) }
        let end = state.withLock { $0 }
        report(end, isLast: true)
        if let found = end.violation {
            print(Campaign.line(of: found.violation, seed: found.seed))
            print("replay it: simulate --seed \(found.seed)")
            return 1
        }
        let seconds = elapsed
        print(
            "\(end.done) seeds from \(first), every invariant held; \(end.operations) operations (\(end.fewest) at least), \(end.events) events; "
                + "\(Int(seconds)) s, \(Int(Double(end.done) / max(seconds, 0.001))) seeds/s")
        return 0
    }

    private func work() {
        while let seed = take() {
            let outcome = Simulation.run(seed: seed)
            let shown = state.withLock { state -> State? in
                state.done += 1
                state.operations += outcome.operations
                if outcome.violation == nil { state.fewest = min(state.fewest, outcome.operations) }
                state.events += outcome.events
                if let violation = outcome.violation, state.violation.map({ $0.seed > seed }) ?? true { state.violation = (seed, violation) }
                return state.done.isMultiple(of: 500) ? state : nil
            }
            if let shown { report(shown, isLast: false) }
        }
    }

    /// The next seed; nil when there is none, the time is up, or a lower one has shown a violation.
    private func take() -> UInt64? {
        state.withLock { state in
            if state.violation != nil { return nil }
            if let last, state.next > last { return nil }
            if let deadline, ContinuousClock.now >= deadline { return nil }
            defer { state.next += 1 }
            return state.next
        }
    }

    private var elapsed: Double {
        let (seconds, attoseconds) = (ContinuousClock.now - began).components
        return Double(seconds) + Double(attoseconds) / 1e18
    }

    /// A line that is written over the one before, where there is a terminal; else now and then.
    private func report(_ state: State, isLast: Bool) {
        guard !isQuiet else { return }
        let seconds = elapsed
        let isTerminal = isatty(STDERR_FILENO) == 1
        guard isTerminal || state.done.isMultiple(of: 10_000) else { return }
        let of = last.map { " of \($0 - first + 1)" } ?? ""
        Log.standardError(Array("\(isTerminal ? "\r" : "")\(state.done)\(of) seeds, \(Int(Double(state.done) / max(seconds, 0.001)))/s\(isTerminal && !isLast ? "  " : "\n")".utf8))
    }
}
