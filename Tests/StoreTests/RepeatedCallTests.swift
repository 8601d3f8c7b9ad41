import ChatModel
import ChatStore
import MemoryTable
import Testing

/// Every single write is done twice and only the second answer seen: what a client does whose first answer was lost.
private struct Repeating: Table {
    let table = MemoryTable()

    func get(_ key: Key, strong: Bool) async throws(TableError) -> Item? { try await table.get(key, strong: strong) }
    func get(_ keys: [Key], strong: Bool) async throws(TableError) -> [Item] { try await table.get(keys, strong: strong) }
    func query(_ query: Query) async throws(TableError) -> Page { try await table.query(query) }
    func write(_ writes: [BatchWrite]) async throws(TableError) { try await table.write(writes) }
    /// Has a token that makes one of both tries.
    func transact(_ actions: [TransactAction]) async throws(TableError) { try await table.transact(actions) }

    func put(_ item: Item, if condition: Condition?) async throws(TableError) {
        try? await table.put(item, if: condition)
        try await table.put(item, if: condition)
    }
    func update(_ update: Update, returning: ReturnedImage) async throws(TableError) -> Item? {
        _ = try? await table.update(update, returning: returning)
        return try await table.update(update, returning: returning)
    }
    func delete(_ key: Key, if condition: Condition?) async throws(TableError) -> Item? {
        _ = try? await table.delete(key, if: condition)
        return try await table.delete(key, if: condition)
    }
}

@Suite struct RepeatedCallTests {
    private let repository = ChatRepository(table: Repeating(), settings: Settings())
    private let user = User(TenantID("acme")!, UserID("alice")!)
    private let id = ConnectionID("connection000001")!
    private let start = Timestamp(milliseconds: 1_795_268_240_000)

    private func connect() async throws -> Connection {
        let connection = Connection(
            id: id, tenantID: user.tenantID, userID: user.id, connectedAt: start, expiresAt: start + 600, lastSeen: start,
            tokenExpiresAt: start + 3600)
        #expect(try await repository.open(connection) == .opened)
        return connection
    }

    @Test func `a connection is ended by the call that ended it, though it was sent twice`() async throws {
        _ = try await connect()
        guard case .claimed = try await repository.claimEnd(id, .disconnected, .always) else {
            Issue.record("nobody would publish")
            return
        }
        guard case .alreadyEnding = try await repository.claimEnd(id, .disconnected, .always) else {
            Issue.record("two would publish")
            return
        }
    }

    @Test func `a lease is renewed, and its token moved, though it was sent twice`() async throws {
        let connection = try await connect()
        let renewed = try #require(try await repository.renew(connection, at: start + 200))
        #expect(renewed.expiresAt == start + 800)
        #expect(try await repository.renew(renewed, tokenExpiresAt: start + 7200, at: start + 300)?.tokenExpiresAt == start + 7200)
    }
}
