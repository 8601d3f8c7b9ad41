import ChatStore
import Synchronization

/// A table in memory, for tests and the simulator: DynamoDB's semantics, nothing durable.
///
/// Every call is evaluated at once under one lock, so that a caller sees no suspension that it did not ask for.
public final class MemoryTable: Table {
    private let state: Mutex<State>
    private let pageSize: Int
    private let onCommit: (@Sendable ([ItemChange]) -> Void)?

    /// - Parameters:
    ///   - pageSize: The most items a page of a query looks at, whatever its limit says. As in DynamoDB, a page that
    ///     reached its bound has a `next` even when nothing follows.
    ///   - indexLag: Indexes show what had been written at the last ``settleIndexes()``.
    ///   - readLag: With `indexLag`, reads of the table that are not strong show no more than that either.
    ///   - onCommit: Called with what each write changed, in commit order, before the writer is answered. It runs
    ///     under the table's lock and must not call the table. Writes that change nothing are not reported.
    public init(
        pageSize: Int = 1000, indexLag: Bool = false, readLag: Bool = false, onCommit: (@Sendable ([ItemChange]) -> Void)? = nil
    ) {
        precondition(pageSize > 0, "a page holds at least one item")
        self.pageSize = pageSize
        self.onCommit = onCommit
        state = Mutex(State(indexLag: indexLag, readLag: readLag))
    }

    public func get(_ key: Key, strong: Bool) async throws(TableError) -> Item? {
        try TableRules.check(key)
        return state.withLock { $0.items(strong: strong)[key] }
    }

    public func get(_ keys: [Key], strong: Bool) async throws(TableError) -> [Item] {
        for key in keys { try TableRules.check(key) }
        return state.withLock { state in
            var seen: Set<Key> = []
            let items = state.items(strong: strong)
            return keys.filter { seen.insert($0).inserted }.compactMap { items[$0] }
        }
    }

    public func put(_ item: Item, if condition: Condition?) async throws(TableError) {
        try TableRules.check(item)
        _ = try single(.put(item, if: condition))
    }

    public func update(_ update: Update, returning: ReturnedImage) async throws(TableError) -> Item? {
        try TableRules.check(update)
        let change = try single(.update(update))
        switch returning {
        case .nothing: return nil
        case .before: return change.old
        case .after: return change.new
        }
    }

    public func delete(_ key: Key, if condition: Condition?) async throws(TableError) -> Item? {
        try TableRules.check(key)
        return try single(.delete(key, if: condition)).old
    }

    public func query(_ query: Query) async throws(TableError) -> Page {
        try TableRules.check(query)
        return state.withLock { $0.view(query.index, strong: query.strong).page(query, pageSize: pageSize) }
    }

    public func write(_ writes: [BatchWrite]) async throws(TableError) {
        try TableRules.check(writes)
        _ = try commit(writes.map(TransactAction.init))
    }

    public func transact(_ actions: [TransactAction]) async throws(TableError) {
        try TableRules.check(actions)
        _ = try commit(actions)
    }

    /// Lets the indexes, and reads that are not strong, catch up with the table. Does nothing without `indexLag`.
    public func settleIndexes() {
        state.withLock { $0.settleIndexes() }
    }

    /// Everything stored, by key. O(n log n).
    public func allItems() -> [Item] {
        state.withLock { $0.items.all }.sorted { $0.key < $1.key }
    }

    private func single(_ action: TransactAction) throws(TableError) -> ItemChange {
        do {
            return try commit([action])[0]
        } catch {
            throw error.ofSingleWrite
        }
    }

    private func commit(_ actions: [TransactAction]) throws(TableError) -> [ItemChange] {
        try state.withLock { state throws(TableError) in
            let changes = try WritePlan.changes(of: actions, before: actions.map { state.items[$0.key] })
            let real = changes.filter { $0.old != $0.new }
            state.apply(real)
            if !real.isEmpty { onCommit?(real) }
            return changes
        }
    }
}
