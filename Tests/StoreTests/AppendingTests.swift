import ChatModel
import Glibc
import MemoryTable
import SQLiteTable
import Synchronization
import Testing

@testable import ChatStore

/// Messages appended to one stream while others are on their way.
@Suite struct AppendingTests {
    let room = Room(TenantID("acme")!, RoomID("lobby")!)
    var stream: MessageStream { .room(room) }

    func draft(_ body: String, _ clientMessageID: String? = nil) -> Draft {
        Draft(stream: stream, senderID: UserID("alice")!, body: body, clientMessageID: clientMessageID)
    }

    /// What is stored, by seq; every place from 1 on must be taken.
    func stored(_ table: some Table) async throws -> [String] {
        let items = try await table.query(Query(pk: stream.partition, .prefix("MSG#"), strong: true)).items
        #expect(items.map { $0.number("seq") } == items.indices.map { Int64($0 + 1) })
        #expect(try await table.get(stream.head, strong: true)?.number("seq") == Int64(items.count))
        return items.compactMap { $0.string("body") }
    }

    /// Appends all in order, each submitted before any is answered; then `answer` lets the table work.
    func appendTogether(
        _ drafts: [Draft], _ table: StagedTable, _ answer: () async -> Void = {}
    ) async -> [Result<AppendOutcome, TableError>] {
        let repository = ChatRepository(table: table, settings: Settings())
        var tasks: [Task<Result<AppendOutcome, TableError>, Never>] = []
        for draft in drafts {
            tasks.append(Task {
                do throws(TableError) {
                    return .success(try await repository.append(draft, at: Timestamp(milliseconds: 1)))
                } catch {
                    return .failure(error)
                }
            })
            while table.submitted < tasks.count { await Task.yield() }
        }
        await answer()
        let pump = Task { while !Task.isCancelled { await table.apply(); await Task.yield() } }
        var results: [Result<AppendOutcome, TableError>] = []
        for task in tasks { results.append(await task.value) }
        pump.cancel()
        return results
    }

    @Test func `writes follow one another without waiting, each its own`() async throws {
        let table = StagedTable()
        let results = await appendTogether(["a", "b", "c", "d"].map { draft($0) }, table)
        #expect(results.map(\.seq) == [1, 2, 3, 4])
        #expect(try await stored(table) == ["a", "b", "c", "d"])
        #expect(table.submitted == 4)
    }

    @Test(arguments: 0..<4) func `one that fails unwritten leaves no gap`(failing: Int) async throws {
        let table = StagedTable()
        let results = await appendTogether(["a", "b", "c", "d"].map { draft($0) }, table) {
            await table.apply(where: { $0 == failing }, as: .unavailable("lost"))
        }
        #expect(results[failing] == .failure(.unavailable("lost")))
        #expect(results.compactMap(\.seq).sorted() == [1, 2, 3])
        #expect(try await stored(table).sorted() == ["a", "b", "c", "d"].enumerated().filter { $0.offset != failing }.map(\.element))
    }

    @Test(arguments: 0..<4) func `one that fails after it was written is there once`(failing: Int) async throws {
        let table = StagedTable()
        let results = await appendTogether(["a", "b", "c", "d"].map { draft($0) }, table) {
            await table.apply(where: { $0 == failing }, as: .unavailable("no answer"), afterWriting: true)
        }
        for (place, result) in results.enumerated() {
            #expect(place == failing ? result == .failure(.unavailable("no answer")) : result.seq == Int64(place + 1))
        }
        #expect(try await stored(table) == ["a", "b", "c", "d"])
    }

    @Test func `one in conflict is written again`() async throws {
        let table = StagedTable()
        let results = await appendTogether(["a", "b", "c"].map { draft($0) }, table) {
            await table.apply(where: { $0 == 1 }, as: .conflict)
        }
        #expect(results.map(\.seq) == [1, 2, 3], "in its place")
        #expect(try await stored(table) == ["a", "b", "c"])
    }

    @Test func `writes that cross on their way are written in the order in which they came`() async throws {
        let table = StagedTable()
        let results = await appendTogether(["a", "b", "c", "d", "e"].map { draft($0) }, table) { table.reverse() }
        #expect(results.map(\.seq) == [1, 2, 3, 4, 5])
        #expect(try await stored(table) == ["a", "b", "c", "d", "e"])
    }

    @Test func `one clientMessageId twice in flight is one message`() async throws {
        let table = StagedTable()
        let results = await appendTogether([draft("a"), draft("b", "m"), draft("b", "m"), draft("c")], table)
        guard case .success(.stored(let message)) = results[1] else { Issue.record("\(results)"); return }
        #expect(results[2] == .success(.duplicate(messageID: message.messageID, seq: 2, sentAt: message.sentAt)))
        #expect([results[0].seq, results[1].seq, results[3].seq] == [1, 2, 3])
        #expect(try await stored(table) == ["a", "b", "c"])
    }

    @Test func `hundreds at once on several threads are numbered without gaps`() async throws {
        let path = "/tmp/muster-appending-\(UInt64.random(in: 0 ... .max)).sqlite"
        defer { unlink(path) }
        let table = try SQLiteTable(path: path, options: SQLiteTable.Options(caches: Keys.isReadOften))
        let repository = ChatRepository(table: table, settings: Settings())
        let seqs = try await withThrowingTaskGroup(of: Int64.self) { group in
            for number in 0..<400 {
                group.addTask { [draft = draft("\(number)")] in
                    guard case .stored(let message) = try await repository.append(draft, at: Timestamp(milliseconds: 1)) else { return 0 }
                    #expect(message.body == "\(number)")
                    return message.seq
                }
            }
            return try await group.reduce(into: [Int64]()) { $0.append($1) }
        }
        #expect(seqs.sorted() == Array(1...400))
        #expect(try await Set(stored(table)) == Set((0..<400).map { "\($0)" }))
        #expect(table.commits < 200)
        table.close()
    }
}

extension Result<AppendOutcome, TableError> {
    fileprivate var seq: Int64? { if case .success(.stored(let message)) = self { message.seq } else { nil } }
}

/// A table that applies transactions when it is told to, in the order in which they were submitted.
final class StagedTable: Table {
    private struct Write {
        let actions: [TransactAction]
        let continuation: CheckedContinuation<Result<Void, TableError>, Never>
    }

    private struct State {
        var writes: [Write] = []
        var submitted = 0
    }

    let appliesInOrder = true
    private let memory = MemoryTable()
    private let state = Mutex(State())

    /// Transactions since the beginning.
    var submitted: Int { state.withLock { $0.submitted } }

    /// Applies what is waiting, but for those that fail.
    func apply(where fails: (Int) -> Bool = { _ in false }, as error: TableError = .conflict, afterWriting: Bool = false) async {
        let writes = state.withLock { state in
            defer { state.writes = [] }
            return state.writes
        }
        for (place, write) in writes.enumerated() {
            var result: Result<Void, TableError> = .failure(error)
            if !fails(place) || afterWriting {
                do throws(TableError) {
                    result = .success(try await memory.transact(write.actions))
                } catch {
                    result = .failure(error)
                }
            }
            write.continuation.resume(returning: fails(place) ? .failure(error) : result)
        }
    }

    func reverse() { state.withLock { $0.writes.reverse() } }

    func transact(_ actions: [TransactAction]) async throws(TableError) {
        let result = await withCheckedContinuation { continuation in
            state.withLock { state in
                state.submitted += 1
                state.writes.append(Write(actions: actions, continuation: continuation))
            }
        }
        try result.get()
    }

    func get(_ key: Key, strong: Bool) async throws(TableError) -> Item? { try await memory.get(key, strong: strong) }
    func get(_ keys: [Key], strong: Bool) async throws(TableError) -> [Item] { try await memory.get(keys, strong: strong) }
    func query(_ query: Query) async throws(TableError) -> Page { try await memory.query(query) }
    func put(_ item: Item, if condition: Condition?) async throws(TableError) { try await memory.put(item, if: condition) }
    func update(_ update: Update, returning: ReturnedImage) async throws(TableError) -> Item? {
        try await memory.update(update, returning: returning)
    }
    func delete(_ key: Key, if condition: Condition?) async throws(TableError) -> Item? {
        try await memory.delete(key, if: condition)
    }
    func write(_ writes: [BatchWrite]) async throws(TableError) { try await memory.write(writes) }
}
