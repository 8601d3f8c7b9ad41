import ChatStore
import Testing

/// Many items at once: batches, and transactions that do all or none.
@Suite struct BatchContract {
    @Test(arguments: Engine.all) func `batches have no bound and answer each key once`(engine: Engine) async throws {
        let tested = try await engine.table()
        let items = (0..<260).map { Item(Key("P\($0 % 7)", "S\($0)"), ["n": .number(Int64($0))]) }
        try await tested.table.write(items.map(BatchWrite.put))
        let keys = items.map(\.key) + [items[3].key, items[3].key] + (0..<50).map { Key("none", "\($0)") }
        let found = try await tested.table.get(keys, strong: true)
        #expect(found.sorted { $0.key < $1.key } == items.sorted { $0.key < $1.key })
        #expect(try await tested.table.get([Key](), strong: false).isEmpty)
        let deletes = items.prefix(130).map { BatchWrite.delete($0.key) } + [.delete(Key("none", "1"))]
        try await tested.table.write(deletes + [.put(Item(items[200].key, ["n": .number(-1)]))])
        let left = try await tested.table.get(items.map(\.key), strong: true)
        #expect(left.count == 130)
        #expect(left.first { $0.key == items[200].key }?.number("n") == -1)
        try await tested.table.write([])
    }

    @Test(arguments: Engine.all) func `a transaction does everything it holds`(engine: Engine) async throws {
        let tested = try await engine.table()
        try await tested.put([Item(Key("P", "gone")), Item(Key("P", "count"), ["n": .number(1)]), Item(Key("P", "seen"))])
        try await tested.table.transact([
            .put(Item(Key("P", "new"), gsi1: Key("G", "1")), if: .itemAbsent), .delete(Key("P", "gone"), if: .itemExists),
            .update(Update(Key("P", "count"), [.add("n", 1)], if: .equals("n", .number(1)))),
            .check(Key("P", "seen"), if: .itemExists), .delete(Key("P", "never"), if: nil),
        ])
        try await tested.settle()
        let items = try await tested.all(Query(pk: "P"), pageSize: engine.pageSize)
        #expect(items == [Item(Key("P", "count"), ["n": .number(2)]), Item(Key("P", "new"), gsi1: Key("G", "1")), Item(Key("P", "seen"))])
        #expect(try await tested.all(Query(.gsi1, pk: "G"), pageSize: engine.pageSize).count == 1)
    }

    @Test(arguments: Engine.all) func `a failed transaction does nothing and says what each action met`(engine: Engine) async throws {
        let tested = try await engine.table()
        let there = Item(Key("P", "there"), ["n": .number(1)])
        try await tested.put([there])
        let actions: [TransactAction] = [
            .put(Item(Key("P", "a")), if: nil), .put(Item(there.key), if: .itemAbsent),
            .update(Update(Key("P", "b"), [.add("n", 1)], if: .itemExists)), .check(Key("P", "c"), if: .itemAbsent),
            .delete(Key("P", "d"), if: .itemExists),
        ]
        await #expect(throws: TableError.transactionFailed([.held, .failed(there), .failed(nil), .held, .failed(nil)])) {
            try await tested.table.transact(actions)
        }
        #expect(try await tested.all(Query(pk: "P"), pageSize: engine.pageSize) == [there])
        if engine.hasFeed { #expect(tested.log.changes.count == 1) }
    }

    @Test(arguments: Engine.all) func `a transaction takes 100 actions and refuses 0 and 101`(engine: Engine) async throws {
        let table = try await engine.table().table
        func puts(_ count: Int) -> [TransactAction] { (0..<count).map { .put(Item(Key("P", "\($0)")), if: .itemAbsent) } }
        #expect(await attempt { try await table.transact(puts(0)) }?.isInvalid == true)
        #expect(await attempt { try await table.transact(puts(101)) }?.isInvalid == true)
        #expect(try await table.get(Key("P", "0"), strong: true) == nil)
        try await table.transact(puts(100))
        #expect(try await table.get(Key("P", "99"), strong: true) != nil)
    }

    @Test(arguments: Engine.all) func `optimistic transactions at once lose and repeat nothing`(engine: Engine) async throws {
        let tested = try await engine.table()
        let table = tested.table
        let head = Key("ROOM", "HEAD")
        let (tasks, rounds) = (8, 20)
        try await withThrowingTaskGroup { group in
            for task in 0..<tasks {
                group.addTask {
                    var done = 0
                    while done < rounds {
                        let item = try await table.get(head, strong: true)
                        let next = (item?.number("n") ?? 0) + 1
                        let condition: Condition = item == nil ? .itemAbsent : .equals("n", .number(next - 1))
                        do throws(TableError) {
                            try await table.transact([
                                .update(Update(head, [.set("n", .number(next))], if: condition)),
                                .put(Item(Key("ROOM", "MSG#\(next)"), ["by": .number(Int64(task))]), if: .itemAbsent),
                                .update(Update(Key("TASK", "\(task)"), [.add("n", 1)])),
                            ])
                            done += 1
                        } catch {
                            switch error {
                            case .transactionFailed, .conflict: continue
                            default: throw error
                            }
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await table.get(head, strong: true)?.number("n") == Int64(tasks * rounds))
        let messages = try await tested.all(Query(pk: "ROOM", .prefix("MSG#")), pageSize: engine.pageSize)
        #expect(messages.count == tasks * rounds)
        let counts = try await tested.all(Query(pk: "TASK"), pageSize: engine.pageSize).map { $0.number("n") }
        #expect(counts == Array(repeating: Int64(rounds), count: tasks))
    }

    @Test(arguments: Engine.all) func `updates at once are all counted`(engine: Engine) async throws {
        let table = try await engine.table().table
        try await withThrowingTaskGroup { group in
            for task in 0..<100 {
                group.addTask { _ = try await table.update(Update(Key("P", "S"), [.add("n", 1), .insert("set", ["m\(task)"])]), returning: .nothing) }
            }
            try await group.waitForAll()
        }
        let item = try await table.get(Key("P", "S"), strong: true)
        #expect(item?.number("n") == 100)
        #expect(item?.strings("set").count == 100)
    }
}
