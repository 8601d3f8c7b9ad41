import ChatStore
import DynamoTable
import MemoryTable
import SQLiteTable
import Synchronization
import TestSupport
import Testing

/// An engine under test: how to make an empty table whose pages look at so many items.
struct Engine: Sendable, CustomTestStringConvertible {
    let name: String
    let pageSize: Int
    let make: @Sendable (_ pageSize: Int, _ log: ChangeLog) async throws -> TestedTable

    var testDescription: String { "\(name), pages of \(pageSize)" }

    /// Every engine with every page size. Another engine is another line.
    ///
    /// DynamoDB has one: the emulator takes a millisecond or two for a call. Pages of 1 MB are among its faults.
    static let all = embedded + (Emulator.endpoint == nil ? [] : [Engine(name: dynamoName, pageSize: 2, make: dynamo)])

    /// Each engine once, with the smallest of its page sizes.
    static let each = all.enumerated().filter { place, engine in
        !all[..<place].contains { $0.name == engine.name }
    }.map(\.element)

    private static let embedded = [1, 2, 1000].flatMap { size in
        [
            Engine(name: "memory", pageSize: size, make: memory),
            Engine(name: "memory, indexes lag", pageSize: size, make: lagging),
            Engine(name: "SQLite", pageSize: size, make: sqlite(SQLiteTable.Options())),
            Engine(name: "SQLite, cached", pageSize: size, make: sqlite(cached)),
        ]
    }

    /// Everything is kept in memory, and half of it need not be durable.
    static let cached = SQLiteTable.Options(caches: { _ in true }, isDurable: { $0.key.sk < "b" })

    /// SQLite fetches fewer old images when nobody asks for changes. The log stays empty.
    static let withoutFeed = Engine(name: "SQLite without a feed", pageSize: 2) { size, log in
        let folder = try TemporaryFolder()
        let table = try SQLiteTable(path: folder.file("chat.sqlite"), pageSize: size)
        return TestedTable(table, log, settle: { withExtendedLifetime(folder) {} })
    }

    static let dynamoName = "DynamoDB"
    var isDynamo: Bool { name == Self.dynamoName }
    /// DynamoDB tells of changes through its stream, which is no part of ``Table``.
    var hasFeed: Bool { !isDynamo }

    func table() async throws -> TestedTable { try await make(pageSize, ChangeLog()) }

    /// The item as the index shows it. Of keys DynamoDB's indexes have the table's and their own.
    func projected(_ item: Item, in index: IndexName) -> Item {
        guard index != .table else { return item }
        var shown = IndexProjection.project(item)
        if isDynamo, index == .gsi1 { shown.gsi2 = nil }
        if isDynamo, index == .gsi2 { shown.gsi1 = nil }
        return shown
    }

    private static let dynamo: @Sendable (Int, ChangeLog) async throws -> TestedTable = { size, log in
        let name = Emulator.freshName()
        try await Emulator.createTable(name)
        return TestedTable(PagedTable(table: DynamoTable(caller: Emulator.caller, name: name), pageSize: size), log)
    }

    private static let memory: @Sendable (Int, ChangeLog) async throws -> TestedTable = { size, log in
        TestedTable(MemoryTable(pageSize: size, onCommit: log.append), log)
    }

    private static let lagging: @Sendable (Int, ChangeLog) async throws -> TestedTable = { size, log in
        let table = MemoryTable(pageSize: size, indexLag: true, onCommit: log.append)
        return TestedTable(table, log, settle: { table.settleIndexes() })
    }

    private static func sqlite(_ options: SQLiteTable.Options) -> @Sendable (Int, ChangeLog) async throws -> TestedTable {
        { size, log in
            let folder = try TemporaryFolder()
            // The table's writer holds the closure, and so the folder, until the file is closed.
            let table = try SQLiteTable(path: folder.file("chat.sqlite"), pageSize: size, options: options) { [folder] in
                withExtendedLifetime(folder) {}
                log.append($0)
            }
            return TestedTable(table, log)
        }
    }
}

/// A table, what its change feed said, and how to let its indexes catch up.
struct TestedTable: Sendable {
    let table: any Table
    let log: ChangeLog
    let settle: @Sendable () async throws -> Void

    init(_ table: any Table, _ log: ChangeLog, settle: @escaping @Sendable () async throws -> Void = {}) {
        self.table = table
        self.log = log
        self.settle = settle
    }

    func put(_ items: [Item]) async throws {
        for item in items { try await table.put(item, if: nil) }
        try await settle()
    }

    /// All pages of a query. Each must respect its bounds.
    func all(_ query: Query, pageSize: Int) async throws -> [Item] {
        var items: [Item] = []
        var query = query
        while true {
            let page = try await table.query(query)
            #expect(page.items.count <= min(pageSize, query.limit ?? pageSize))
            items += page.items
            guard let next = page.next else { return items }
            query.after = next
        }
    }
}

/// The change feed's calls, in order.
final class ChangeLog: Sendable {
    private let batches = Mutex<[[ItemChange]]>([])

    @Sendable func append(_ changes: [ItemChange]) { batches.withLock { $0.append(changes) } }
    var calls: [[ItemChange]] { batches.withLock { $0 } }
    var changes: [ItemChange] { calls.flatMap { $0 } }
}
