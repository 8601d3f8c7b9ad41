import ChatStore
import MemoryTable
import Synchronization
import TestSupport
import Testing

@testable import SQLiteTable

/// Requests that share a transaction: planned in memory, written once, answered as if each had come alone.
@Suite struct SQLiteGroupTests {
    let folder: TemporaryFolder
    let log = ChangeLog()
    var path: String { folder.file("chat.sqlite") }
    let key = Key("P", "a")

    init() throws { folder = try TemporaryFolder() }

    func table(_ options: SQLiteTable.Options = SQLiteTable.Options(), hasFeed: Bool = true) throws -> SQLiteTable {
        let connection = try Opening.writer(path)
        // As long as it takes for a group to queue up behind the blocker, however slow the machine.
        connection.waitWhenBusy(milliseconds: 600_000)
        let cache = options.caches.map(ItemCache.init(caches:))
        let writer = Writer(connection, options: options, cache: cache, onCommit: hasFeed ? log.append : nil)
        return SQLiteTable(writer: writer, readers: Readers(path: path), cache: cache, pageSize: 1000)
    }

    /// Makes the calls one group, in this order: the writer is busy with another write while they queue up.
    func group<Answer: Sendable>(
        _ table: SQLiteTable, _ calls: [@Sendable (SQLiteTable) async -> Answer]
    ) async throws -> [Answer] {
        // Who was answered last time may be here before the writer has noted that its commit is over.
        while table.writer!.unanswered > 0 { await Task.yield() }
        let blocker = try SQLiteConnection(path: path, .readWrite)
        try blocker.run("BEGIN IMMEDIATE")
        let first = Task { try await table.update(Update(Key("Z", "z"), [.add("n", 1)]), returning: .nothing) }
        while table.writer!.unanswered < 1 { await Task.yield() }
        // Taken, so that the others cannot join it.
        while !table.writer!.isCommitting { await Task.yield() }
        var tasks: [Task<Answer, Never>] = []
        for call in calls {
            tasks.append(Task { await call(table) })
            while table.writer!.unanswered <= tasks.count { await Task.yield() }
        }
        let commits = table.commits
        try blocker.run("COMMIT")
        _ = try await first.value
        var answers: [Answer] = []
        for task in tasks { answers.append(await task.value) }
        #expect(table.commits == commits + 2)
        return answers
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64], [true, false])
    func `random writes committed together are answered as if one came after the other`(seed: UInt64, hasFeed: Bool) async throws {
        let table = try table(seed.isMultiple(of: 2) ? Engine.cached : SQLiteTable.Options(), hasFeed: hasFeed)
        let model = MemoryTable()
        var random = SplitMix(seed)
        for round in 0..<12 {
            var calls: [RandomCall] = []
            while calls.count < 12 {
                let call = RandomCall(&random)
                // What is refused before it reaches the writer would not queue up.
                if call.isWrite, await call.reachesWriter { calls.append(call) }
            }
            _ = try await model.update(Update(Key("Z", "z"), [.add("n", 1)]), returning: .nothing)
            var expected: [RandomCall.Answer] = []
            for call in calls { expected.append(await call.answer(of: model)) }
            let answers = try await group(table, calls.map { call in { await call.answer(of: $0) } })
            for (place, call) in calls.enumerated() {
                try #require(answers[place] == expected[place], "seed \(seed), round \(round), \(place): \(call)")
            }
            let stored = try await ["P", "Q", "Z"].asyncFlatMap { try await table.query(Query(pk: $0)).items }
            try #require(stored == model.allItems(), "seed \(seed), round \(round)")
            let read = try await table.get(stored.map(\.key), strong: true)
            try #require(read.sorted { $0.key < $1.key } == stored, "seed \(seed), round \(round)")
        }
    }

    @Test func `each write sees those before it, and the feed is told of each`() async throws {
        let table = try table()
        let add: @Sendable (SQLiteTable) async -> Int64? = { [key] in
            try! await $0.update(Update(key, [.add("n", 1)]), returning: .after)?.number("n")
        }
        #expect(try await group(table, [add, add, add]) == [1, 2, 3])
        #expect(log.calls.last?.map { $0.new?.number("n") } == [1, 2, 3])
        #expect(log.calls.last?.map { $0.old?.number("n") } == [nil, 1, 2])
    }

    @Test(arguments: [true, false]) func `an item put and deleted by one group was never there`(isThere: Bool) async throws {
        let table = try table()
        let item = Item(key, ["n": .number(1)])
        if isThere { try await table.put(item, if: nil) }
        let errors: [TableError?] = try await group(table, [
            { table in await attempt { try await table.put(item, if: .itemAbsent) } },
            { table in await attempt { _ = try await table.delete(item.key, if: nil) } },
        ])
        #expect(errors == [isThere ? .conditionFailed(item) : nil, nil])
        #expect(try await table.get(key, strong: true) == nil)
    }

    @Test func `a refusal shows what is stored, looked for or not`() async throws {
        let table = try table()
        let item = Item(key, ["n": .number(1)])
        try await table.put(item, if: nil)
        let actions: [TransactAction] = [.put(Item(key), if: .itemAbsent), .check(Key("P", "b"), if: .itemExists)]
        let errors: [TableError?] = try await group(table, [
            { table in await attempt { try await table.transact(actions) } }
        ])
        #expect(errors == [TableError.transactionFailed([.failed(item), .failed(nil)])])
    }

    @Test func `what expires is judged by what the group has written`() async throws {
        let table = try table()
        let old = Item(key, ["expiresAt": .number(10)])
        let errors: [TableError?] = try await group(table, [
            { table in await attempt { try await table.put(old, if: nil) } },
            { table in
                await attempt {
                    let count = try await table.deleteExpired(before: 50, limit: 10)
                    #expect(count == 1)
                }
            },
            { table in await attempt { try await table.put(old, if: .itemAbsent) } },
        ])
        #expect(errors == [nil, nil, nil])
        #expect(try await table.get(key, strong: true) == old)
    }

    @Test func `answers are given in order, by whoever gathers what they wake`() async throws {
        let sizes = Mutex<Int>(0)
        let table = try table(SQLiteTable.Options(answering: { answers in
            sizes.withLock { $0 += 1 }
            answers()
        }))
        for number in 1...3 { try await table.put(Item(key, ["n": .number(Int64(number))]), if: nil) }
        await #expect(throws: TableError.self) { try await table.put(Item(key), if: .itemAbsent) }
        #expect(sizes.withLock { $0 } == 4)
    }

    @Test func `only a group that writes what must be durable waits for the disk`() async throws {
        let connection = try Opening.writer(path)
        let writer = Writer(connection, options: SQLiteTable.Options(isDurable: { $0.key.sk == "a" }), onCommit: nil)
        let table = SQLiteTable(writer: writer, readers: Readers(path: path), pageSize: 10)
        for (sk, level) in [("b", 1), ("a", 2), ("a", 2), ("b", 1)] as [(String, Int64)] {
            try await table.transact([.put(Item(Key("P", sk)), if: nil), .check(Key("Q", "a"), if: .itemAbsent)])
            // Between two writes its thread sleeps, and leaves the connection alone.
            #expect(try connection.number("PRAGMA synchronous") == level, "\(sk)")
        }
    }

    @Test func `a commit that fails leaves what is in memory as it was`() async throws {
        let connection = try Opening.writer(path)
        try connection.script("PRAGMA max_page_count = 40")
        let cache = ItemCache { _ in true }
        let table = SQLiteTable(
            writer: Writer(connection, cache: cache, onCommit: nil), readers: Readers(path: path), cache: cache, pageSize: 10)
        let item = Item(key, ["n": .number(1)])
        try await table.put(item, if: nil)
        let large = Item(key, ["text": .string(String(repeating: "x", count: 300_000))])
        #expect(await attempt { try await table.put(large, if: nil) }?.unavailability?.contains("full") == true)
        #expect(try await table.get(key, strong: true) == item)
        #expect(try await table.get([key], strong: true) == [item])
    }

    @Test func `a table that is closed forgets what it held in memory`() async throws {
        let table = try table(Engine.cached)
        try await table.put(Item(key), if: nil)
        table.close()
        await #expect(throws: TableError.unavailable("the table is closed")) { try await table.get(key, strong: true) }
    }
}

/// What is kept in memory, and how long a commit waits for company.
@Suite struct ItemCacheTests {
    func item(_ number: Int) -> Item { Item(Key("P", "\(number)"), ["n": .number(Int64(number))]) }

    @Test func `what is read or written stays, what is neither goes, and there is a bound`() {
        let cache = ItemCache { _ in true }
        cache.endCommit(of: [item(0), item(1)])
        for number in 2..<ItemCache.generation * 4 {
            cache.endCommit(of: [item(number)])
            #expect(cache[item(0).key] == item(0))
        }
        #expect(cache[item(1).key] == nil)
        let kept = (0..<ItemCache.generation * 4).filter { cache[item($0).key] != nil }
        #expect(kept.count <= ItemCache.generation * 2)
    }

    @Test func `what a commit changes is not read here until it is done`() {
        let cache = ItemCache { $0.sk != "9" }
        cache.endCommit(of: [item(1), item(2), item(9)])
        let finding = cache.find([1, 2, 9].map { item($0).key })
        #expect(finding.found == [item(1), item(2)] && finding.missing == [item(9).key] && cache.isCurrent(finding))
        cache.beginCommit(of: [item(1).key])
        #expect(!cache.isCurrent(finding))
        #expect(cache[item(1).key] == nil && cache[item(2).key] == item(2))
        cache.endCommit(of: [item(1)])
        #expect(cache[item(1).key] == item(1))
    }

    @Test(arguments: [
        // The bound in µs, the group before, those queued, and how many to wait for.
        (500, 1, 1, nil), (500, 40, 1, 40), (500, 40, 39, 40), (500, 40, 40, nil), (500, 40, 90, nil), (500, 2, 1, 2),
        (0, 40, 1, nil), (500, 40, 0, nil),
    ] as [(Int, Int, Int, Int?)])
    func `company is waited for only if there was some`(bound: Int, last: Int, queued: Int, target: Int?) {
        var window = GatherWindow(bound: .microseconds(bound))
        window.took(last)
        #expect(window.target(queued: queued) == target)
    }

    @Test func `a wait for company ends`() async throws {
        let folder = try TemporaryFolder()
        let table = try SQLiteTable(path: folder.file("chat.sqlite"), options: SQLiteTable.Options(gathering: .milliseconds(2)))
        // Ten at once, so that the next waits for nine more, in vain.
        await withTaskGroup { group in
            for number in 0..<10 { group.addTask { [item = item(number)] in _ = await attempt { try await table.put(item, if: nil) } } }
        }
        for number in 0..<10 { try await table.put(item(number), if: nil) }
        #expect(table.writer!.unanswered == 0)
    }
}

extension RandomCall {
    /// Whether an empty table judges it by its items, not by its words.
    var reachesWriter: Bool {
        get async {
            if case .error(.invalid) = await answer(of: MemoryTable()) { false } else { true }
        }
    }
}

extension [String] {
    fileprivate func asyncFlatMap<Other>(_ body: (String) async throws -> [Other]) async rethrows -> [Other] {
        var result: [Other] = []
        for element in self { result += try await body(element) }
        return result
    }
}
