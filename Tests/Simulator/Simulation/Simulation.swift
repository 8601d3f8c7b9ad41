/// Runs the whole service, with everything around it, from one seed: the same seed makes the same run.
public enum Simulation {
    /// What came of a run.
    public struct Outcome: Sendable {
        public let seed: UInt64
        public let violation: Violation?
        /// Operations of clients and of a backend.
        public let operations: Int
        /// Milliseconds of the run's own time.
        public let duration: Int64
        /// Events handled, and commits of the table.
        public let events: Int
        public let commits: Int
        /// What happened, line by line; empty unless it was asked for.
        public let trace: [String]
    }

    /// Plays a seed to its end, or to the first invariant that does not hold. Runs on the calling thread alone.
    ///
    /// To be the same in every process it needs `SWIFT_DETERMINISTIC_HASHING=1` in the environment.
    /// - Parameter isTraced: whether to tell what happened, which takes much longer.
    public static func run(seed: UInt64, isTraced: Bool = false) -> Outcome {
        var chance = Chance(seed &* 0x9E37_79B9_7F4A_7C15 ^ 0xD1B5_4A32_D192_ED03)
        let scenario = Scenario.draw(&chance)
        guard let world = try? World(scenario, &chance, isTraced: isTraced) else { preconditionFailure("the secret is long enough") }
        world.trace.note { "seed \(seed): \(scenario)" }
        let workload = Workload(world, chance.branch())
        nonisolated(unsafe) let load = workload
        world.executor.spawn { await world.play(load) }
        if !world.executor.run(), !world.witness.isBroken {
            world.witness.fail(.neverStuck, "nothing is left to do, and there is still \(world.functions.inHand.map(\.name))")
        }
        defer { world.functions.dissolve() }
        return Outcome(
            seed: seed, violation: world.witness.violation, operations: workload.operations, duration: world.executor.now,
            events: world.functions.invocations, commits: world.witness.order, trace: world.trace.lines)
    }
}
