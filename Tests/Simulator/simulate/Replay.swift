import Simulation

/// One seed, told line by line.
struct Replay {
    let seed: UInt64

    /// - Returns: the exit status.
    func run() -> Int32 {
        let outcome = Simulation.run(seed: seed, isTraced: true)
        for line in outcome.trace { print(line) }
        guard let violation = outcome.violation else {
            print("seed \(seed): every invariant held; \(outcome.operations) operations, \(outcome.events) events, \(outcome.commits) commits")
            return 0
        }
        print(Campaign.line(of: violation, seed: seed))
        return 1
    }
}
