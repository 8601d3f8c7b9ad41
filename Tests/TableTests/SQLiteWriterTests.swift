import ChatStore
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import SQLiteTable

/// Commits: shared, answered late enough, told in order, refused without harm.
@Suite struct SQLiteWriterTests {
    let folder: TemporaryFolder
    var path: String { folder.file("chat.sqlite") }

    init() throws { folder = try TemporaryFolder() }

    func item(_ number: Int, bytes: Int = 10) -> Item {
        Item(Key("P", "\(number)"), ["text": .string(String(repeating: "x", count: bytes))])
    }

    /// A table whose writer is set up by `prepare`.
    func table(_ prepare: (SQLiteConnection) throws -> Void) throws -> SQLiteTable {
        let connection = try Opening.writer(path)
        try prepare(connection)
        return SQLiteTable(writer: Writer(connection, onCommit: nil), readers: Readers(path: path), pageSize: 1000)
    }

    /// Makes all calls while another connection holds the write lock, so that they queue up together.
    func together(_ table: SQLiteTable, _ calls: [@Sendable () async throws -> Void]) async throws -> [TableError?] {
        let blocker = try SQLiteConnection(path: path, .readWrite)
        try blocker.run("BEGIN IMMEDIATE")
        let answered = Shared(0)
        // Whatever the writer takes first waits for the lock; the others queue behind it.
        let others = Task {
            await withTaskGroup { group in
                for (place, call) in calls.enumerated() {
                    group.addTask {
                        defer { answered.state.withLock { $0 += 1 } }
                        return (place, await attempt(call))
                    }
                }
                var errors = [TableError?](repeating: nil, count: calls.count)
                for await (place, error) in group { errors[place] = error }
                return errors
            }
        }
        // A writer that gave up waiting has answered some: an error of theirs, and not an end that never comes.
        while table.writer!.unanswered + answered.state.withLock({ $0 }) < calls.count { await Task.yield() }
        try blocker.run("COMMIT")
        return await others.value
    }

    @Test func `writes that arrive together share a commit`() async throws {
        let table = try SQLiteTable(path: path)
        let calls = (0..<300).map { number in { @Sendable [item = item(number)] in try await table.put(item, if: .itemAbsent) } }
        #expect(try await together(table, calls).allSatisfy { $0 == nil })
        #expect(try await table.query(Query(pk: "P")).items.count == 300)
        #expect((1...3).contains(table.commits))
    }

    @Test func `a group is bounded`() async throws {
        let table = try SQLiteTable(path: path)
        let calls = (0..<2500).map { number in { @Sendable [item = item(number)] in try await table.put(item, if: nil) } }
        #expect(try await together(table, calls).allSatisfy { $0 == nil })
        #expect((3...5).contains(table.commits))
    }

    @Test func `a failed condition fails nobody else in its group`() async throws {
        let table = try SQLiteTable(path: path)
        try await table.put(item(5), if: nil)
        let calls = (0..<10).map { number in { @Sendable [item = item(number)] in try await table.put(item, if: .itemAbsent) } }
        let errors = try await together(table, calls)
        for (number, error) in errors.enumerated() { #expect(error == (number == 5 ? .conditionFailed(item(5)) : nil)) }
        #expect(table.commits <= 4)
    }

    @Test func `the feed is told after the commit and before the answers`() async throws {
        struct Seen { var told = 0, visible = 0 }
        let seen = Shared(Seen())
        let path = path
        let table = try SQLiteTable(path: path) { changes in
            // Another connection sees only what is committed.
            let reader = try? SQLiteConnection(path: path, .readOnly)
            let stored = try? reader.map(ItemRows.init)?.get(changes[0].new!.key)
            seen.state.withLock {
                $0.told += 1
                if stored == changes[0].new { $0.visible += 1 }
            }
        }
        for number in 1...50 {
            try await table.put(item(number), if: nil)
            let now = seen.state.withLock { $0 }
            #expect(now.told == number && now.visible == number)
        }
    }

    @Test func `nobody is answered while the feed is being told`() async throws {
        struct Seen { var isAnswered = false, wasAnsweredWhileTold = false }
        let seen = Shared(Seen())
        let table = try SQLiteTable(path: path) { _ in
            // Only an answer that comes too early ends the wait early.
            for _ in 0..<100 where !seen.state.withLock(\.wasAnsweredWhileTold) {
                usleep(1000)
                seen.state.withLock { $0.wasAnsweredWhileTold = $0.isAnswered }
            }
        }
        try await table.put(item(1), if: nil)
        seen.state.withLock { $0.isAnswered = true }
        table.close()
        #expect(seen.state.withLock { !$0.wasAnsweredWhileTold })
    }

    @Test func `a write that SQLite refuses leaves no transaction open`() async throws {
        let table = try table {
            try $0.script("CREATE TRIGGER no BEFORE INSERT ON items WHEN new.sk = 'no' BEGIN SELECT RAISE(ABORT, 'refused'); END")
        }
        let refused = Item(Key("P", "no"))
        for _ in 0..<2 {
            let error = await attempt { try await table.transact([.put(item(1), if: nil), .put(refused, if: nil)]) }
            #expect(error?.unavailability?.contains("refused") == true)
        }
        #expect(try await table.query(Query(pk: "P")).items.isEmpty)
        let other = try SQLiteTable(path: path)
        try await other.put(item(2), if: nil)
        try await table.put(item(1), if: nil)
        #expect(try await table.query(Query(pk: "P")).items == [item(1), item(2)])
    }

    @Test func `a full disk refuses writes, keeps what was there, and is forgotten when space returns`() async throws {
        let table = try table { try $0.script("PRAGMA max_page_count = 64") }
        var stored = 0
        var error: TableError?
        while error == nil, stored < 1000 {
            let next = item(stored, bytes: 10_000)
            error = await attempt { try await table.put(next, if: nil) }
            if error == nil { stored += 1 }
        }
        #expect(error?.unavailability?.contains("full") == true)
        #expect(try await table.query(Query(pk: "P")).items.count == stored)
        #expect(try await table.get(item(stored).key, strong: true) == nil)
        for number in 0..<10 { _ = try await table.delete(item(number).key, if: nil) }
        try await table.put(item(stored, bytes: 10_000), if: .itemAbsent)
        #expect(try await table.get(item(stored).key, strong: true) == item(stored, bytes: 10_000))
    }

    @Test func `one write that does not fit fails alone`() async throws {
        let table = try table { try $0.script("PRAGMA max_page_count = 40") }
        let calls = (0..<20).map { number in
            { @Sendable [item = item(number, bytes: number == 7 ? 300_000 : 10)] in try await table.put(item, if: nil) }
        }
        let errors = try await together(table, calls)
        for (number, error) in errors.enumerated() {
            if number == 7 { #expect(error?.unavailability?.contains("full") == true) } else { #expect(error == nil) }
        }
        #expect(try await table.query(Query(pk: "P")).items.count == 19)
    }

    @Test func `a transaction that does not fit does nothing`() async throws {
        let table = try table { try $0.script("PRAGMA max_page_count = 40") }
        let error = await attempt { try await table.transact([.put(item(1), if: nil), .put(item(2, bytes: 300_000), if: nil)]) }
        #expect(error?.unavailability?.contains("full") == true)
        #expect(try await table.query(Query(pk: "P")).items.isEmpty)
        try await table.put(item(1), if: .itemAbsent)
    }

    @Test func `a lock held for too long throttles, and nothing is written`() async throws {
        let table = try table { $0.waitWhenBusy(milliseconds: 20) }
        let blocker = try SQLiteConnection(path: path, .readWrite)
        try blocker.run("BEGIN IMMEDIATE")
        await #expect(throws: TableError.throttled) { try await table.put(item(1), if: nil) }
        try blocker.run("COMMIT")
        #expect(try await table.get(item(1).key, strong: true) == nil)
        try await table.put(item(1), if: .itemAbsent)
    }

    @Test func `two tables on one file wait for each other`() async throws {
        let tables = [try SQLiteTable(path: path), try SQLiteTable(path: path)]
        try await withThrowingTaskGroup { group in
            for task in 0..<8 {
                let table = tables[task % 2]
                group.addTask {
                    for _ in 0..<25 { _ = try await table.update(Update(Key("P", "n"), [.add("n", 1)]), returning: .nothing) }
                }
            }
            try await group.waitForAll()
        }
        for table in tables { #expect(try await table.get(Key("P", "n"), strong: true)?.number("n") == 200) }
    }

    @Test func `closing answers what was queued`() async throws {
        // It must not give up while a busy machine is still about to make the calls.
        let table = try table { $0.waitWhenBusy(milliseconds: 60_000) }
        let blocker = try SQLiteConnection(path: path, .readWrite)
        try blocker.run("BEGIN IMMEDIATE")
        let puts = (0..<20).map { number in Task { [item = item(number)] in await attempt { try await table.put(item, if: nil) } } }
        while table.writer!.unanswered < 20 { await Task.yield() }
        let closing = Task { table.close() }
        try blocker.run("COMMIT")
        for put in puts { #expect(await put.value == nil) }
        await closing.value
        let again = try SQLiteTable(path: path)
        #expect(try await again.query(Query(pk: "P")).items.count == 20)
    }
}

/// State that a closure and a test share.
private final class Shared<Value: Sendable>: Sendable {
    let state: Mutex<Value>
    init(_ value: Value) { state = Mutex(value) }
}
