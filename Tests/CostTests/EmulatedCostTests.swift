import ChatStore
import DynamoTable
import Synchronization
import TestSupport
import Testing

/// DynamoDB's own interface, which says what each write took. Of reads the emulator says the same whatever was read, and of a
/// failed condition nothing: those are counted elsewhere.
private final class ReportingTable: CountingTable {
    private let written: Written
    private let table: DynamoTable

    private final class Written: Sendable {
        let units = Mutex(Units())
    }

    init(_ name: String) {
        let written = Written()
        self.written = written
        table = DynamoTable(caller: Emulator.caller, name: name) { capacity in
            written.units.withLock { units in
                units.write += Int(capacity.table.write)
                units.index += Int(capacity.indexes.values.reduce(0) { $0 + $1.write })
            }
        }
    }

    func take() -> Units {
        written.units.withLock { units in
            defer { units = Units() }
            return units
        }
    }

    func get(_ key: Key, strong: Bool) async throws(TableError) -> Item? { try await table.get(key, strong: strong) }
    func get(_ keys: [Key], strong: Bool) async throws(TableError) -> [Item] { try await table.get(keys, strong: strong) }
    func put(_ item: Item, if condition: Condition?) async throws(TableError) { try await table.put(item, if: condition) }
    func update(_ update: Update, returning: ReturnedImage) async throws(TableError) -> Item? {
        try await table.update(update, returning: returning)
    }
    func delete(_ key: Key, if condition: Condition?) async throws(TableError) -> Item? { try await table.delete(key, if: condition) }
    func query(_ query: Query) async throws(TableError) -> Page { try await table.query(query) }
    func write(_ writes: [BatchWrite]) async throws(TableError) { try await table.write(writes) }
    func transact(_ actions: [TransactAction]) async throws(TableError) { try await table.transact(actions) }
}

@Suite(.enabled(if: Emulator.endpoint != nil)) struct EmulatedCostTests {
    @Test(arguments: [10, 100]) func `every action writes on the emulator what the table of costs says`(size: Int) async throws {
        let name = Emulator.freshName()
        try await Emulator.createTable(name)
        let stated = try CostTableTests.stated(size)
        for cost in try await RoomCosts(room: size, on: ReportingTable(name)).counted() {
            let parts = try #require(stated[cost.action]).split(separator: " / ")
            #expect("\(cost.write)" == parts[1], "write units of \(cost.action)")
            #expect("\(cost.posts)" == parts[2], "posts of \(cost.action)")
        }
    }
}
