import ChatModel
import ChatStore
import MemoryTable
import Synchronization

/// A table in which a test does something between two calls, and which remembers what its transactions were.
final class InterposedTable: Table {
    private struct State {
        var beforeUserRead: (@Sendable () async -> Void)?
        var beforeLease: (@Sendable () async -> Void)?
        var transactions: [[TransactAction]] = []
    }

    let memory = MemoryTable()
    private let state = Mutex(State())

    /// Runs something before a user's own item is read for the first time.
    func beforeUserRead(_ body: @escaping @Sendable () async -> Void) { state.withLock { $0.beforeUserRead = body } }
    /// Runs something before the end of a lease is written for the first time.
    func beforeLease(_ body: @escaping @Sendable () async -> Void) { state.withLock { $0.beforeLease = body } }
    /// What the last transaction was that took effect.
    var last: [TransactAction] { state.withLock { $0.transactions.last ?? [] } }

    private func once(_ body: WritableKeyPath<State, (@Sendable () async -> Void)?>) async {
        await state.withLock { state in
            defer { state[keyPath: body] = nil }
            return state[keyPath: body]
        }?()
    }

    func get(_ key: Key, strong: Bool) async throws(TableError) -> Item? {
        if key.pk.hasPrefix("USER#") { await once(\.beforeUserRead) }
        return try await memory.get(key, strong: strong)
    }

    func update(_ update: Update, returning: ReturnedImage) async throws(TableError) -> Item? {
        if update.movesLease { await once(\.beforeLease) }
        return try await memory.update(update, returning: returning)
    }

    func transact(_ actions: [TransactAction]) async throws(TableError) {
        let movesLease = actions.contains { if case .update(let update) = $0 { update.movesLease } else { false } }
        if movesLease { await once(\.beforeLease) }
        try await memory.transact(actions)
        state.withLock { $0.transactions.append(actions) }
    }

    func get(_ keys: [Key], strong: Bool) async throws(TableError) -> [Item] { try await memory.get(keys, strong: strong) }
    func put(_ item: Item, if condition: Condition?) async throws(TableError) { try await memory.put(item, if: condition) }
    func delete(_ key: Key, if condition: Condition?) async throws(TableError) -> Item? { try await memory.delete(key, if: condition) }
    func query(_ query: Query) async throws(TableError) -> Page { try await memory.query(query) }
    func write(_ writes: [BatchWrite]) async throws(TableError) { try await memory.write(writes) }
}

extension Update {
    fileprivate var movesLease: Bool {
        key.pk.hasPrefix("CONN#") && clauses.contains { if case .set("expiresAt", _) = $0 { true } else { false } }
    }
}
