import ChatHandlers
import ChatModel
import ChatStore
import MemoryTable
import Tokens

/// One run: the service, everything around it, and who watches.
///
/// `@unchecked`: confined to the run's thread.
final class World: @unchecked Sendable {
    let scenario: Scenario
    let executor: SeededExecutor
    let trace: Trace
    let witness: Witness
    let keys: TokenVerifier
    let minter: TokenMinter
    private(set) var memory: MemoryTable!
    private(set) var functions: Functions!
    private(set) var gateway: SimulatedGateway!
    private(set) var stream: TableStream!
    private(set) var queue: SimulatedQueue!
    /// Set once the operations are done: nothing goes wrong any more.
    var isCalm = false
    /// What waits for the next sweep, to meet with it.
    var atSweep: [() -> Void] = []
    /// Who is writing.
    private(set) var actor: Invocation?

    private var faults: Chance
    private var isSettling = false
    /// When the last write of the server takes effect: they keep their order.
    private var lastWrite: Int64 = 0

    static let secret = Array("a secret of at least thirty-two bytes".utf8)

    init(_ scenario: Scenario, _ chance: inout Chance, isTraced: Bool) throws {
        self.scenario = scenario
        let executor = SeededExecutor(chance.branch())
        self.executor = executor
        faults = chance.branch()
        trace = Trace(isOn: isTraced) { executor.now }
        keys = TokenVerifier(keys: KeySet([try TokenKey(secret: World.secret)]))
        minter = try TokenMinter(secret: World.secret)
        witness = Witness(scenario, executor, trace)
        memory = MemoryTable(pageSize: scenario.pageSize, indexLag: scenario.lag > 0, readLag: true) { [unowned self] in commit($0) }
        functions = Functions(self, chance.branch())
        gateway = SimulatedGateway(self, chance.branch())
        witness.socket = { [unowned self] in gateway.socket($0) }
        stream = TableStream(self, chance.branch())
        queue = SimulatedQueue(self, chance.branch())
    }

    func now() -> Timestamp { Timestamp(milliseconds: InstanceClock.start.milliseconds + executor.now) }

    // MARK: - What befalls a call

    func fate(isWrite: Bool, isTransaction: Bool) -> Fate {
        guard !isCalm else { return .fine }
        let weather = scenario.weather
        if weather == .calm { return .fine }
        if faults.strikes(weather.slow) { return .slow }
        if faults.strikes(weather.unavailable) { return .unavailable }
        if isWrite, faults.strikes(weather.answerLost) { return .answerLost }
        guard scenario.engine == .functions else { return .fine }
        if faults.strikes(weather.throttled) { return .throttled }
        if faults.strikes(weather.dies) { return isWrite && faults.isOne(in: 2) ? .diesAfter : .diesBefore }
        guard isWrite else { return .fine }
        if faults.strikes(weather.effectLate) { return .effectLate }
        if isTransaction { return faults.strikes(weather.conflict) ? .conflict : .fine }
        return faults.strikes(weather.repeated) ? .repeated : .fine
    }

    /// Whether an event's function is not run.
    func failsInvocation() -> Bool { !isCalm && faults.strikes(scenario.weather.invocationFails) }
    func strikes(_ fault: KeyPath<Weather, Int>) -> Bool { !isCalm && faults.strikes(scenario.weather[keyPath: fault]) }
    /// Whether an instance dies here, between two calls.
    func diesNow() -> Bool { scenario.engine == .functions && strikes(\.dies) }
    func chanceOfFault(below bound: Int) -> Int { faults.below(bound) }

    /// The way to the table; of the server's writes none overtakes another.
    func pass(_ fate: Fate, isWrite: Bool) async {
        var latency = fate == .slow ? 1000 + faults.below(5000) : faults.below(8)
        if scenario.engine == .server {
            // A fan-out that does not come to its turn within five seconds loses it.
            latency = fate == .slow ? 100 + faults.below(1100) : faults.below(3)
            if isWrite {
                lastWrite = max(lastWrite + 1, executor.now + Int64(latency))
                latency = Int(lastWrite - executor.now)
            }
        }
        await executor.sleep(latency)
    }

    /// The way back, which now and then takes no time.
    func comeBack() async {
        let latency = faults.below(10)
        if latency > 3 { await executor.sleep(latency) }
    }

    func kill(_ instance: Instance) {
        trace.note { "** instance \(instance.number) dies" }
        instance.die()
    }

    // MARK: - The table

    /// Runs a call of the memory, which never suspends, as somebody's.
    func acting<Value: Sendable>(
        _ invocation: Invocation?, _ body: () async throws(TableError) -> Value
    ) async throws(TableError) -> Value {
        actor = invocation
        defer { actor = nil }
        return try await body()
    }

    /// A write that takes effect when nobody counts on it any more.
    func later(_ invocation: Invocation?, _ body: @escaping @Sendable () async -> Void) {
        executor.after(500 + faults.below(8000)) { [self] in
            executor.spawn { [self] in
                trace.note { "\(invocation?.name ?? "") the late write takes effect" }
                try? await acting(invocation) { () async throws(TableError) in await body() }
            }
        }
    }

    func isEmptyBucket(_ partition: String) -> Bool {
        // LEASE#… or DUE#…; of the others none begins so, but for conversations.
        guard let first = partition.utf8.first, first == UInt8(ascii: "L") || first == UInt8(ascii: "D") else { return false }
        return !partition.utf8.starts(with: "DM#".utf8) && !witness.hasRows(partition)
    }

    private func commit(_ changes: [ItemChange]) {
        witness.committed(changes, by: actor)
        stream.committed(changes)
        functions.committed(changes)
        guard scenario.lag > 0, !isSettling else { return }
        isSettling = true
        executor.after(faults.below(scenario.lag)) { [self] in settle() }
    }

    /// Indexes and reads that are not strong catch up.
    func settle() {
        isSettling = false
        memory.settleIndexes()
        witness.settled()
    }
}
