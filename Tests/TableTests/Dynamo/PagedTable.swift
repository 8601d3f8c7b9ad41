import ChatStore

/// Pages of at most so many items.
struct PagedTable: Table {
    let table: any Table
    let pageSize: Int

    func get(_ key: Key, strong: Bool) async throws(TableError) -> Item? { try await table.get(key, strong: strong) }
    func get(_ keys: [Key], strong: Bool) async throws(TableError) -> [Item] { try await table.get(keys, strong: strong) }
    func put(_ item: Item, if condition: Condition?) async throws(TableError) { try await table.put(item, if: condition) }
    func update(_ update: Update, returning: ReturnedImage) async throws(TableError) -> Item? {
        try await table.update(update, returning: returning)
    }
    func delete(_ key: Key, if condition: Condition?) async throws(TableError) -> Item? {
        try await table.delete(key, if: condition)
    }
    func query(_ query: Query) async throws(TableError) -> Page {
        var query = query
        query.limit = min(query.limit ?? pageSize, pageSize)
        return try await table.query(query)
    }
    func write(_ writes: [BatchWrite]) async throws(TableError) { try await table.write(writes) }
    func transact(_ actions: [TransactAction]) async throws(TableError) { try await table.transact(actions) }
}
