import ChatModel
import ChatStore
import Synchronization

/// A table that notes every key that is asked for, written or read, in indexes too.
final class WitnessedTable: Table {
    /// Something that passed between the service and its table: a key, and the tenant that the item names if one came out.
    struct Trace: Sendable {
        var key: Key
        var tenant: String?
    }

    private let base: any Table
    private let traces = Mutex<[Trace]>([])

    init(_ base: any Table) { self.base = base }

    var appliesInOrder: Bool { base.appliesInOrder }

    /// What was seen since it was asked last.
    func take() -> [Trace] {
        traces.withLock { traces in
            defer { traces = [] }
            return traces
        }
    }

    private func see(_ keys: [Key]) { traces.withLock { $0 += keys.map { Trace(key: $0) } } }
    private func see(_ items: [Item]) {
        traces.withLock { traces in
            for item in items {
                for key in [item.key, item.gsi1, item.gsi2] {
                    if let key { traces.append(Trace(key: key, tenant: item.string("tenantId"))) }
                }
            }
        }
    }

    func get(_ key: Key, strong: Bool) async throws(TableError) -> Item? {
        see([key])
        let item = try await base.get(key, strong: strong)
        see(item.map { [$0] } ?? [])
        return item
    }

    func get(_ keys: [Key], strong: Bool) async throws(TableError) -> [Item] {
        see(keys)
        let items = try await base.get(keys, strong: strong)
        see(items)
        return items
    }

    func query(_ query: Query) async throws(TableError) -> Page {
        see([Key(query.pk, "")])
        let page = try await base.query(query)
        see(page.items)
        return page
    }

    func put(_ item: Item, if condition: Condition?) async throws(TableError) {
        see([item])
        try await base.put(item, if: condition)
    }

    func update(_ update: Update, returning: ReturnedImage) async throws(TableError) -> Item? {
        see([update.key])
        let item = try await base.update(update, returning: returning)
        see(item.map { [$0] } ?? [])
        return item
    }

    func delete(_ key: Key, if condition: Condition?) async throws(TableError) -> Item? {
        see([key])
        let item = try await base.delete(key, if: condition)
        see(item.map { [$0] } ?? [])
        return item
    }

    func write(_ writes: [BatchWrite]) async throws(TableError) {
        see(writes.map(\.key))
        see(writes.compactMap { if case .put(let item) = $0 { item } else { nil } })
        try await base.write(writes)
    }

    func transact(_ actions: [TransactAction]) async throws(TableError) {
        see(actions.map(\.key))
        see(actions.compactMap { if case .put(let item, _) = $0 { item } else { nil } })
        try await base.transact(actions)
    }
}
