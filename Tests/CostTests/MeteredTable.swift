import ChatModel
import ChatStore
import MemoryTable
import Synchronization

/// What calls cost by DynamoDB's rules; `index` counts writes of index entries, once each.
struct Units: Equatable, CustomStringConvertible {
    var read = 0.0
    var write = 0
    var index = 0

    var description: String { "\(read) RCU, \(write) + \(index)i WCU" }
}

/// A table that knows what was used of it since the last time.
protocol CountingTable: Table {
    func take() -> Units
}

/// A table that counts the capacity units of every call.
final class MeteredTable: CountingTable {
    private let table: MemoryTable
    private let changes: ChangeLog
    private let units = Mutex(Units())

    private final class ChangeLog: Sendable {
        let changes = Mutex<[ItemChange]>([])
    }

    init() {
        let log = ChangeLog()
        changes = log
        table = MemoryTable { committed in log.changes.withLock { $0 += committed } }
    }

    /// What was used since the last time.
    func take() -> Units {
        units.withLock { units in
            defer { units = Units() }
            return units
        }
    }

    func get(_ key: Key, strong: Bool) async throws(TableError) -> Item? {
        let item = try await table.get(key, strong: strong)
        read(item?.size ?? 0, strong)
        return item
    }

    func get(_ keys: [Key], strong: Bool) async throws(TableError) -> [Item] {
        let items = try await table.get(keys, strong: strong)
        for item in items { read(item.size, strong) }
        for _ in items.count..<max(items.count, Set(keys).count) { read(0, strong) }
        return items
    }

    func query(_ query: Query) async throws(TableError) -> Page {
        let page = try await table.query(query)
        read(page.items.reduce(0) { $0 + size($1, in: query.index) }, query.strong)
        return page
    }

    func put(_ item: Item, if condition: Condition?) async throws(TableError) {
        do throws(TableError) {
            try await table.put(item, if: condition)
        } catch {
            failed(1)
            throw error
        }
        written([item.key], 1)
    }

    func update(_ update: Update, returning: ReturnedImage) async throws(TableError) -> Item? {
        let result: Item?
        do throws(TableError) {
            result = try await table.update(update, returning: returning)
        } catch {
            failed(1)
            throw error
        }
        written([update.key], 1)
        return result
    }

    func delete(_ key: Key, if condition: Condition?) async throws(TableError) -> Item? {
        let result: Item?
        do throws(TableError) {
            result = try await table.delete(key, if: condition)
        } catch {
            failed(1)
            throw error
        }
        written([key], 1)
        return result
    }

    func write(_ writes: [BatchWrite]) async throws(TableError) {
        try await table.write(writes)
        written(writes.map(\.key), 1)
    }

    func transact(_ actions: [TransactAction]) async throws(TableError) {
        do throws(TableError) {
            try await table.transact(actions)
        } catch {
            failed(2 * actions.count)
            throw error
        }
        written(actions.map(\.key), 2)
    }

    /// An index entry has the keys of the table and of its own index.
    private func size(_ item: Item, in index: IndexName) -> Int {
        var entry = item
        if index == .gsi1 { entry.gsi2 = nil }
        if index == .gsi2 { entry.gsi1 = nil }
        return entry.size
    }

    private func read(_ bytes: Int, _ strong: Bool) {
        let blocks = Double(max(1, (bytes + 4095) / 4096))
        units.withLock { $0.read += strong ? blocks : blocks / 2 }
    }

    private func failed(_ cost: Int) {
        units.withLock { $0.write += cost }
    }

    private func written(_ keys: [Key], _ factor: Int) {
        let made = changes.changes.withLock { changes in
            defer { changes = [] }
            return changes
        }
        units.withLock { units in
            for key in keys {
                let change = made.first { ($0.new ?? $0.old)?.key == key }
                let bytes = max(change?.old?.size ?? 0, change?.new?.size ?? 0)
                units.write += factor * max(1, (bytes + 1023) / 1024)
                for index in [\Item.gsi1, \Item.gsi2] {
                    let old = change?.old.flatMap { $0[keyPath: index] == nil ? nil : IndexProjection.project($0) }
                    let new = change?.new.flatMap { $0[keyPath: index] == nil ? nil : IndexProjection.project($0) }
                    if old != new { units.index += 1 }
                }
            }
        }
    }
}
