import ChatStore
import TestSupport
import Testing

@testable import SQLiteTable

/// The file: made, opened again, refused.
@Suite struct SQLiteFileTests {
    let folder: TemporaryFolder
    var path: String { folder.file("chat.sqlite") }
    let item = Item(Key("P", "S"), gsi1: Key("G", "1"), ["n": .number(1), "text": .string("é\0")])

    init() throws { folder = try TemporaryFolder() }

    @Test func `what was answered is there after reopening, and closing leaves one file`() async throws {
        let table = try SQLiteTable(path: path)
        try await table.put(item, if: nil)
        table.close()
        table.close()
        #expect(try folder.names == ["chat.sqlite"])
        let again = try SQLiteTable(path: path)
        #expect(try await again.get(item.key, strong: true) == item)
        try await again.put(item, if: .itemExists)
    }

    @Test func `the files are their owner's only`() async throws {
        let table = try SQLiteTable(path: path)
        try await table.put(item, if: nil)
        #expect(try folder.names == ["chat.sqlite", "chat.sqlite-shm", "chat.sqlite-wal"])
        for name in try folder.names { #expect(try folder.mode(name) == 0o600, "\(name)") }
        table.close()
    }

    @Test func `a table let go of closes its file`() async throws {
        do {
            let table = try SQLiteTable(path: path)
            try await table.put(item, if: nil)
        }
        #expect(try folder.names == ["chat.sqlite"])
    }

    @Test func `calls on a closed table are refused`() async throws {
        let table = try SQLiteTable(path: path)
        table.close()
        let closed = TableError.unavailable("the table is closed")
        await #expect(throws: closed) { try await table.put(item, if: nil) }
        await #expect(throws: closed) { try await table.get(item.key, strong: true) }
        await #expect(throws: closed) { try await table.query(Query(pk: "P")) }
    }

    @Test func `the schema's text is what the code executes`() throws {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let shown = try String(decoding: TemporaryFolder.bytes(at: "/\(root)/schema/sqlite.sql"), as: UTF8.self)
        #expect(shown == Schema.ddl)
        try SQLiteTable(path: path).close()
        let connection = try SQLiteConnection(path: path, .readOnly)
        #expect(try Schema.Marks(of: connection) == Schema.Marks(applicationID: Schema.applicationID, version: Schema.version, objects: 4))
    }

    @Test func `every commit is synced to the log`() throws {
        let connection = try Opening.writer(path)
        #expect(try connection.number("PRAGMA synchronous") == 2)
    }

    @Test(arguments: [IndexName.table, .gsi1, .gsi2], [true, false])
    func `queries walk an index in its order`(index: IndexName, ascending: Bool) throws {
        let connection = try Opening.writer(path)
        let plan = try connection.plan("\(ItemRows.sql(Query(index, pk: "P", ascending: ascending)))")
        #expect(plan.allSatisfy { $0.hasPrefix("SEARCH") && !$0.contains("TEMP B-TREE") }, "\(plan)")
        #expect(plan.count == 1)
    }

    @Test func `scans walk an index in its order`() throws {
        let connection = try Opening.writer(path)
        for sql in ["\(ItemRows.keysSQL)", "\(ItemRows.expiredSQL)", "\(ItemRows.getSQL)"] {
            let plan = try connection.plan(sql)
            #expect(plan.count == 1 && plan[0].hasPrefix("SEARCH"), "\(plan)")
        }
    }

    @Test func `a file that is no database is refused, untouched`() throws {
        let bytes = Array(String(repeating: "not a database\n", count: 100).utf8)
        try folder.write(bytes, to: "chat.sqlite")
        #expect(throws: SQLiteTableError.notADatabase(path)) { try SQLiteTable(path: path) }
        #expect(throws: SQLiteTableError.notADatabase(path)) { try SQLiteTable(path: path, mode: .readOnly) }
        #expect(try folder.bytes("chat.sqlite") == bytes)
        #expect(try folder.names == ["chat.sqlite"])
    }

    @Test(arguments: ["DELETE", "WAL"]) func `another program's database is refused, untouched`(mode: String) throws {
        try folder.write([], to: "chat.sqlite")
        do {
            let other = try SQLiteConnection(path: path, .readWrite)
            try other.script("PRAGMA journal_mode = \(mode); CREATE TABLE items (pk TEXT); INSERT INTO items VALUES ('theirs')")
        }
        let bytes = try folder.bytes("chat.sqlite")
        #expect(throws: SQLiteTableError.foreignDatabase(path)) { try SQLiteTable(path: path) }
        #expect(throws: SQLiteTableError.foreignDatabase(path)) { try SQLiteTable(path: path, mode: .readOnly) }
        #expect(try folder.bytes("chat.sqlite") == bytes)
    }

    @Test func `a newer schema is refused, untouched`() throws {
        try SQLiteTable(path: path).close()
        do {
            try SQLiteConnection(path: path, .readWrite).script("PRAGMA user_version = 2; ALTER TABLE items ADD COLUMN later TEXT")
        }
        let bytes = try folder.bytes("chat.sqlite")
        #expect(throws: SQLiteTableError.newerSchema(path, 2)) { try SQLiteTable(path: path) }
        #expect(throws: SQLiteTableError.newerSchema(path, 2)) { try SQLiteTable(path: path, mode: .readOnly) }
        #expect(try folder.bytes("chat.sqlite") == bytes)
    }

    @Test func `a damaged file is refused`() async throws {
        let table = try SQLiteTable(path: path)
        try await table.put(item, if: nil)
        table.close()
        var bytes = try folder.bytes("chat.sqlite")
        for place in 100..<4096 { bytes[place] = 0xA5 }
        try folder.write(bytes, to: "chat.sqlite")
        for mode in [SQLiteTable.Mode.readWrite, .readOnly] {
            let error = #expect(throws: SQLiteTableError.self) { try SQLiteTable(path: path, mode: mode) }
            guard case .corrupt(path, _) = error else { Issue.record("\(error as Any)"); continue }
        }
    }

    @Test func `damage found later makes calls unavailable`() async throws {
        let table = try SQLiteTable(path: path)
        for number in 0..<200 { try await table.put(Item(Key("P", "\(number)"), ["text": .string(String(repeating: "x", count: 500))]), if: nil) }
        table.close()
        var bytes = try folder.bytes("chat.sqlite")
        for place in 4096 * 2..<bytes.count { bytes[place] = 0xA5 }
        try folder.write(bytes, to: "chat.sqlite")
        let damaged = try SQLiteTable(path: path)
        let read = await attempt { _ = try await damaged.query(Query(pk: "P")) }
        #expect(read?.unavailability?.contains("damaged") == true)
        let written = await attempt { try await damaged.put(Item(Key("P", "50")), if: nil) }
        #expect(written?.unavailability?.contains("damaged") == true)
    }

    @Test(arguments: ["/proc/muster/chat.sqlite", "/dev/null/chat.sqlite", "/nowhere/at/all/chat.sqlite"])
    func `a folder that cannot hold the file is refused`(path: String) {
        for mode in [SQLiteTable.Mode.readWrite, .readOnly] {
            let error = #expect(throws: SQLiteTableError.self) { try SQLiteTable(path: path, mode: mode) }
            guard case .cannotOpen(path, _) = error else { Issue.record("\(error as Any)"); continue }
        }
    }

    @Test func `reading alone makes no file and needs a table`() throws {
        let missing = #expect(throws: SQLiteTableError.self) { try SQLiteTable(path: path, mode: .readOnly) }
        #expect(missing == .cannotOpen(path, reason: "No such file or directory"))
        #expect(try folder.names.isEmpty)
        try folder.write([], to: "chat.sqlite")
        let empty = #expect(throws: SQLiteTableError.self) { try SQLiteTable(path: path, mode: .readOnly) }
        #expect(empty == .cannotOpen(path, reason: "it is empty: no server has used it yet"))
        // An empty file may become one.
        try SQLiteTable(path: path).close()
        try SQLiteTable(path: path, mode: .readOnly).close()
    }

    @Test func `errors are one line that says what to do`() {
        let errors: [SQLiteTableError] = [
            .cannotOpen("f", reason: "r"), .noSpace("f", reason: "r"), .notADatabase("f"), .foreignDatabase("f"), .newerSchema("f", 2),
            .corrupt("f", reason: "r"), .busy("f"),
        ]
        for error in errors {
            #expect(error.description.contains("f") && error.description.contains(";") && !error.description.contains("\n"))
        }
    }
}

extension SQLiteConnection {
    /// The lines of SQLite's query plan.
    func plan(_ sql: String) throws -> [String] {
        let statement = try prepare("EXPLAIN QUERY PLAN " + sql)
        var lines: [String] = []
        while try statement.step() { lines.append(statement.string(3)) }
        return lines
    }
}

extension TableError {
    var unavailability: String? {
        if case .unavailable(let text) = self { text } else { nil }
    }
}
