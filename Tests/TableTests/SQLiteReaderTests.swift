import ChatStore
import TestSupport
import Testing

@testable import SQLiteTable

/// Reading beside a writer, after one that died, and what only a local table can do.
@Suite struct SQLiteReaderTests {
    let folder: TemporaryFolder
    var path: String { folder.file("chat.sqlite") }
    let item = Item(Key("P", "S"), ["n": .number(1)])

    init() throws { folder = try TemporaryFolder() }

    @Test func `reading alone sees a live writer's commits and refuses to write`() async throws {
        let writer = try SQLiteTable(path: path)
        let reader = try SQLiteTable(path: path, mode: .readOnly)
        #expect(try await reader.get(item.key, strong: true) == nil)
        try await writer.put(item, if: nil)
        #expect(try await reader.get(item.key, strong: true) == item)
        let refused = await attempt { try await reader.put(item, if: nil) }
        #expect(refused?.isInvalid == true)
        reader.close()
        try await writer.put(item, if: .itemExists)
    }

    @Test func `reading alone works when no writer runs`() async throws {
        let writer = try SQLiteTable(path: path)
        try await writer.put(item, if: nil)
        writer.close()
        let bytes = try folder.bytes("chat.sqlite")
        let reader = try SQLiteTable(path: path, mode: .readOnly)
        #expect(try await reader.get(item.key, strong: true) == item)
        reader.close()
        #expect(try folder.bytes("chat.sqlite") == bytes)
    }

    @Test(arguments: [SQLiteTable.Mode.readOnly, .readWrite])
    func `a log left by a killed writer is read`(mode: SQLiteTable.Mode) async throws {
        let writer = try SQLiteTable(path: path)
        try await writer.put(item, if: nil)
        // What is on the disk at this moment is what a kill would leave.
        let left = try TemporaryFolder()
        try folder.copy("chat.sqlite", to: left)
        try folder.copy("chat.sqlite-wal", to: left)
        let table = try SQLiteTable(path: left.file("chat.sqlite"), mode: mode)
        #expect(try await table.get(item.key, strong: true) == item)
        if mode == .readWrite {
            try await table.put(item, if: .itemExists)
            table.close()
            #expect(try left.names == ["chat.sqlite"])
        }
    }

    @Test func `a log cut short by a kill loses only what was not answered`() async throws {
        let writer = try SQLiteTable(path: path)
        try await writer.put(item, if: nil)
        let answered = try folder.bytes("chat.sqlite-wal").count
        try await writer.put(Item(Key("P", "T")), if: nil)
        let left = try TemporaryFolder()
        try folder.copy("chat.sqlite", to: left)
        try left.write(Array(try folder.bytes("chat.sqlite-wal").prefix(answered + 100)), to: "chat.sqlite-wal")
        let table = try SQLiteTable(path: left.file("chat.sqlite"))
        #expect(try await table.query(Query(pk: "P")).items == [item])
    }

    /// With nothing, all, or one of two items in memory.
    @Test(arguments: [nil, "AB", "A"]) func `reads and writes at once see whole commits`(cached: String?) async throws {
        let caches = cached.map { cached in { @Sendable (key: Key) in cached.contains(key.pk) } }
        let table = try SQLiteTable(path: path, options: SQLiteTable.Options(caches: caches))
        let (a, b) = (Key("A", "x"), Key("B", "x"))
        func both(_ n: Int64) -> [TransactAction] { [a, b].map { .put(Item($0, ["n": .number(n)]), if: nil) } }
        try await table.transact(both(0))
        try await withThrowingTaskGroup { group in
            group.addTask { for n in 1...100 { try await table.transact(both(Int64(n))) } }
            for _ in 0..<4 {
                group.addTask {
                    var last: Int64 = 0
                    while last < 100 {
                        let numbers = try await table.get([a, b], strong: true).compactMap { $0.number("n") }
                        #expect(numbers.count == 2 && numbers[0] == numbers[1] && numbers[0] >= last)
                        last = numbers[0]
                        await Task.yield()
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test(arguments: [1, 2, 3, 100]) func `keys are listed across partitions of a prefix`(limit: Int) async throws {
        let table = try SQLiteTable(path: path)
        let keys = ["CONN#a", "CONN#a\0", "CONN#b", "CONN#é"].flatMap { pk in ["META", "ROOM#1"].map { Key(pk, $0) } }
        try await table.write((keys + [Key("CONN", "x"), Key("CONN$", "x"), Key("CONM#", "x"), Key("ROOM#", "x")]).map { .put(Item($0)) })
        var found: [Key] = []
        while true {
            let page = try table.keys(inPartitionsFrom: "CONN#", after: found.last, limit: limit)
            #expect(page.count <= limit)
            if page.isEmpty { break }
            found += page
        }
        #expect(found == keys)
    }

    @Test(arguments: [true, false]) func `what has expired is deleted, oldest first, and the feed is told`(hasFeed: Bool) async throws {
        let log = ChangeLog()
        let table = try SQLiteTable(path: path, onCommit: hasFeed ? log.append : nil)
        let items = (1...10).map { Item(Key("P\($0)", "S"), ["expiresAt": .number(Int64($0 * 10))]) }
        let other = Item(Key("P", "text"), ["expiresAt": .string("1")])
        try await table.write((items + [other, item]).map(BatchWrite.put))
        #expect(try await table.deleteExpired(before: 50, limit: 3) == 3)
        #expect(try await table.deleteExpired(before: 50, limit: 3) == 1)
        #expect(try await table.deleteExpired(before: 50, limit: 3) == 0)
        let left = try await table.get((items + [other, item]).map(\.key), strong: true)
        #expect(Set(left.map(\.key)) == Set((items[4...] + [other, item]).map(\.key)))
        if hasFeed {
            #expect(log.changes.suffix(4) == items[..<4].map { ItemChange(old: $0, new: nil) }[...])
        }
        // A lease renewed is not due at its old time.
        _ = try await table.update(Update(items[4].key, [.set("expiresAt", .number(1000))]), returning: .nothing)
        _ = try await table.update(Update(items[5].key, [.remove("expiresAt")]), returning: .nothing)
        #expect(try await table.deleteExpired(before: 61, limit: 10) == 0)
    }
}
