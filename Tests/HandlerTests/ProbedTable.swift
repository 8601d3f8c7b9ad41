import ChatModel
import ChatStore
import MemoryTable
import Simulation
import Synchronization

/// A table between the service and the one in memory: counts what DynamoDB would charge, fails where it is told to, and
/// gives way to other tasks.
final class ProbedTable: Table {
    /// What calls have cost since the count began.
    struct Cost: Equatable {
        /// Every call is one round trip, and the service makes them one after another.
        var roundTrips = 0
        var writes = 0
        /// Half units, so that eventually consistent reads count whole.
        var halfReadUnits = 0
        var writeUnits = 0
        var indexWrites = 0
        var readUnits: Double { Double(halfReadUnits) / 2 }
    }

    enum Moment: CaseIterable, Sendable { case before, after }

    /// Which write fails, and how.
    struct Fault: Sendable {
        /// Counted from 1.
        var write: Int
        /// Whether the write takes effect first.
        var moment: Moment
        /// Whether the process dies with it: then nothing works until ``revive()``.
        var isFatal: Bool
    }

    private struct State {
        var cost = Cost()
        var fault: Fault?
        var isDead = false
        var failReads: (@Sendable (Query) -> Bool)?
        var beforeWrite: (@Sendable ([UpdateClause]) async -> Void)?
        var beforeAnyWrite: (@Sendable () async -> Void)?
        var failures = 0
    }

    let memory: MemoryTable
    /// Whether it claims to; with a seed it does not keep its word.
    let appliesInOrder: Bool
    private let state = Mutex(State())
    private let changes: ChangeBox
    private let yields: SeededRandom?
    let onDeath = Mutex<(@Sendable () -> Void)?>(nil)

    /// - Parameter yieldSeed: makes every call a point where other tasks may run.
    init(pageSize: Int = 1000, indexLag: Bool = false, yieldSeed: UInt64? = nil, appliesInOrder: Bool = false) {
        self.appliesInOrder = appliesInOrder
        let changes = ChangeBox()
        self.changes = changes
        yields = yieldSeed.map(SeededRandom.init)
        memory = MemoryTable(pageSize: pageSize, indexLag: indexLag) { changes.set($0) }
    }

    func beginCount() { state.withLock { $0.cost = Cost() } }
    var cost: Cost { state.withLock { $0.cost } }
    /// Counts writes from now on for the fault; nil fails none.
    func fail(_ fault: Fault?) {
        state.withLock { state in
            state.fault = fault
            state.cost.writes = 0
            state.failures = 0
        }
    }
    func failReads(_ matching: (@Sendable (Query) -> Bool)?) { state.withLock { $0.failReads = matching } }
    /// Runs something just before an update that the service has decided on, with its clauses.
    func beforeWrite(_ body: (@Sendable ([UpdateClause]) async -> Void)?) { state.withLock { $0.beforeWrite = body } }
    /// Runs something just before every write. What it writes itself comes here too.
    func beforeAnyWrite(_ body: (@Sendable () async -> Void)?) { state.withLock { $0.beforeAnyWrite = body } }
    func revive() { state.withLock { ($0.isDead, $0.fault) = (false, nil) } }
    /// Whether the fault was reached.
    var hasFailed: Bool { state.withLock { $0.failures > 0 } }

    func get(_ key: Key, strong: Bool) async throws(TableError) -> Item? {
        try await begin()
        let item = try await memory.get(key, strong: strong)
        charge(read: [item?.size ?? 0], strong: strong)
        await giveWay()
        return item
    }

    func get(_ keys: [Key], strong: Bool) async throws(TableError) -> [Item] {
        try await begin()
        let items = try await memory.get(keys, strong: strong)
        charge(read: items.map(\.size) + Array(repeating: 0, count: Set(keys).count - items.count), strong: strong)
        await giveWay()
        return items
    }

    func query(_ query: Query) async throws(TableError) -> Page {
        try await begin()
        if state.withLock({ $0.failReads?(query) == true }) { throw .unavailable("asked to fail") }
        let page = try await memory.query(query)
        charge(read: [page.items.reduce(0) { $0 + $1.size }], strong: query.strong)
        await giveWay()
        return page
    }

    func put(_ item: Item, if condition: Condition?) async throws(TableError) {
        try await writing { () async throws(TableError) in try await memory.put(item, if: condition) }
    }

    func update(_ update: Update, returning: ReturnedImage) async throws(TableError) -> Item? {
        await state.withLock { $0.beforeWrite }?(update.clauses)
        return try await writing { () async throws(TableError) in try await memory.update(update, returning: returning) }
    }

    func delete(_ key: Key, if condition: Condition?) async throws(TableError) -> Item? {
        try await writing { () async throws(TableError) in try await memory.delete(key, if: condition) }
    }

    func write(_ writes: [BatchWrite]) async throws(TableError) {
        try await writing { () async throws(TableError) in try await memory.write(writes) }
    }

    func transact(_ actions: [TransactAction]) async throws(TableError) {
        try await writing(factor: 2) { () async throws(TableError) in try await memory.transact(actions) }
    }

    private func writing<Value: Sendable>(
        factor: Int = 1, _ write: () async throws(TableError) -> Value
    ) async throws(TableError) -> Value {
        await state.withLock { $0.beforeAnyWrite }?()
        try await begin()
        let fault = state.withLock { state in
            state.cost.writes += 1
            return state.fault.flatMap { $0.write == state.cost.writes ? $0 : nil }
        }
        if let fault, fault.moment == .before { throw strike(fault) }
        changes.set([])
        let value = try await write()
        charge(changes.take(), factor)
        if let fault { throw strike(fault) }
        await giveWay()
        return value
    }

    private func strike(_ fault: Fault) -> TableError {
        state.withLock { state in
            state.failures += 1
            state.isDead = fault.isFatal
        }
        if fault.isFatal { onDeath.withLock { $0 }?() }
        return .unavailable("asked to fail")
    }

    private func begin() async throws(TableError) {
        await giveWay()
        let isDead = state.withLock { state in
            state.cost.roundTrips += 1
            return state.isDead
        }
        if isDead { throw .unavailable("dead") }
    }

    private func giveWay() async {
        guard let yields else { return }
        for _ in 0..<yields.next() % 3 { await Task.yield() }
    }

    private func charge(read sizes: [Int], strong: Bool) {
        let units = sizes.reduce(0) { $0 + max(1, ($1 + 4095) / 4096) }
        state.withLock { $0.cost.halfReadUnits += strong ? units * 2 : units }
    }

    /// Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
    private func charge(_ changes: [ItemChange], _ factor: Int) {
        for change in changes {
            let units = max(1, (max(change.old?.size ?? 0, change.new?.size ?? 0) + 1023) / 1024)
            let (old, new) = (change.old.map(IndexProjection.project), change.new.map(IndexProjection.project))
            let indexed = [\Item.gsi1, \Item.gsi2].filter { old?[keyPath: $0] != nil || new?[keyPath: $0] != nil }
            state.withLock { state in
                state.cost.writeUnits += units * factor
                if old != new { state.cost.indexWrites += indexed.count }
            }
        }
    }
}

/// What the last commit changed.
private final class ChangeBox: Sendable {
    private let changes = Mutex<[ItemChange]>([])
    func set(_ new: [ItemChange]) { changes.withLock { $0 = new } }
    func take() -> [ItemChange] { changes.withLock { $0 } }
}

extension UpdateClause {
    /// Whether it moves the end of a lease.
    var isLease: Bool { if case .set("expiresAt", _) = self { true } else { false } }
}

/// True the first time it is asked.
final class Once: Sendable {
    private let isTaken = Mutex(false)
    func take() -> Bool {
        isTaken.withLock { taken in
            defer { taken = true }
            return !taken
        }
    }
}

/// Counts from 1.
final class Counter: Sendable {
    private let count = Mutex(0)
    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}
