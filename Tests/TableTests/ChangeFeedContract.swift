import ChatStore
import Testing

/// What the change feed says, on every engine.
@Suite struct ChangeFeedContract {
    @Test(arguments: Engine.all.filter(\.hasFeed)) func `every change has its old and new image, in order`(engine: Engine) async throws {
        let tested = try await engine.table()
        let table = tested.table
        let (a, b) = (Key("P", "a"), Key("P", "b"))
        try await table.put(Item(a, ["n": .number(1)]), if: nil)
        try await table.put(Item(a, gsi1: Key("G", "1"), ["n": .number(2)]), if: .itemExists)
        _ = try await table.update(Update(a, [.add("n", 1)]), returning: .nothing)
        try await table.transact([.put(Item(b), if: nil), .check(Key("P", "c"), if: .itemAbsent), .delete(a, if: nil)])
        try await table.write([.delete(b)])
        let third = Item(a, gsi1: Key("G", "1"), ["n": .number(3)])
        #expect(tested.log.changes == [
            ItemChange(old: nil, new: Item(a, ["n": .number(1)])),
            ItemChange(old: Item(a, ["n": .number(1)]), new: Item(a, gsi1: Key("G", "1"), ["n": .number(2)])),
            ItemChange(old: Item(a, gsi1: Key("G", "1"), ["n": .number(2)]), new: third),
            ItemChange(old: nil, new: Item(b)), ItemChange(old: third, new: nil), ItemChange(old: Item(b), new: nil),
        ])
    }

    @Test(arguments: Engine.all.filter(\.hasFeed)) func `what changes nothing is not reported`(engine: Engine) async throws {
        let tested = try await engine.table()
        let table = tested.table
        let item = Item(Key("P", "a"), ["n": .number(1), "set": .strings(["x"])])
        try await table.put(item, if: nil)
        try await table.put(item, if: nil)
        _ = try await table.update(Update(item.key, [.set("n", .number(1)), .insert("set", ["x"])]), returning: .nothing)
        _ = try await table.delete(Key("P", "none"), if: nil)
        try await table.transact([.check(item.key, if: .itemExists)])
        await #expect(throws: TableError.conditionFailed(item)) { try await table.put(item, if: .itemAbsent) }
        #expect(tested.log.calls == [[ItemChange(old: nil, new: item)]])
    }

    @Test(arguments: Engine.all.filter(\.hasFeed)) func `replaying the feed gives the table`(engine: Engine) async throws {
        let tested = try await engine.table()
        let table = tested.table
        try await withThrowingTaskGroup { group in
            for task in 0..<16 {
                group.addTask {
                    for round in 0..<10 {
                        let key = Key("P", "\((task * 7 + round) % 11)")
                        switch (task + round) % 3 {
                        case 0: _ = try await table.delete(key, if: nil)
                        case 1: try await table.put(Item(key, ["n": .number(Int64(task))]), if: nil)
                        default: _ = try await table.update(Update(key, [.add("n", 1)]), returning: .nothing)
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        var replayed: [Key: Item] = [:]
        for change in tested.log.changes {
            let key = try #require(change.new?.key ?? change.old?.key)
            #expect(replayed[key] == change.old)
            replayed[key] = change.new
        }
        let stored = try await tested.all(Query(pk: "P"), pageSize: engine.pageSize)
        #expect(stored == replayed.values.sorted { $0.key < $1.key })
    }
}
