import ChatStore
import Testing

/// What DynamoDB refuses, every engine refuses, and nothing is changed by it.
@Suite struct RefusalContract {
    static let longPartition = String(repeating: "p", count: 2048)
    static let longSort = String(repeating: "s", count: 1024)

    @Test(arguments: Engine.all) func `keys are taken at their bounds`(engine: Engine) async throws {
        let tested = try await engine.table()
        let key = Key(Self.longPartition, Self.longSort)
        let item = Item(key, gsi1: key, gsi2: key)
        try await tested.put([item])
        #expect(try await tested.table.get(key, strong: true) == item)
        for index in QueryContract.indexes {
            let shown = engine.projected(item, in: index)
            #expect(try await tested.all(Query(index, pk: key.pk, .prefix(key.sk)), pageSize: engine.pageSize) == [shown])
        }
    }

    @Test(arguments: Engine.all, [Key("", "s"), Key("p", ""), Key(longPartition + "p", "s"), Key("p", longSort + "s")])
    func `keys past their bounds are refused everywhere`(engine: Engine, key: Key) async throws {
        let table = try await engine.table().table
        let good = Key("p", "s")
        let calls: [() async throws -> Void] = [
            { _ = try await table.get(key, strong: true) },
            { _ = try await table.get([good, key], strong: true) },
            { try await table.put(Item(key), if: nil) },
            { try await table.put(Item(good, gsi1: key), if: nil) },
            { try await table.put(Item(good, gsi2: key), if: nil) },
            { _ = try await table.update(Update(key, [.add("n", 1)]), returning: .nothing) },
            { _ = try await table.delete(key, if: nil) },
            { try await table.write([.put(Item(good)), .delete(key)]) },
            { try await table.transact([.put(Item(good), if: nil), .check(key, if: .itemAbsent)]) },
        ]
        for call in calls { #expect(await attempt(call)?.isInvalid == true) }
        #expect(try await table.get(good, strong: true) == nil)
    }

    @Test(arguments: Engine.all) func `an item is taken at 400 KB and refused one byte above`(engine: Engine) async throws {
        let tested = try await engine.table()
        let key = Key("P", "S")
        let room = TableRules.itemBytes - Item(key, ["a": .string("")]).size
        let full = Item(key, ["a": .string(String(repeating: "x", count: room))])
        let over = Item(key, ["a": .string(String(repeating: "x", count: room + 1))])
        #expect(full.size == TableRules.itemBytes)
        try await tested.put([full])
        let table = tested.table
        await #expect(throws: TableError.itemTooLarge) { try await table.put(over, if: nil) }
        await #expect(throws: TableError.itemTooLarge) { try await table.write([.put(over)]) }
        await #expect(throws: TableError.itemTooLarge) { try await table.transact([.put(over, if: nil)]) }
        await #expect(throws: TableError.itemTooLarge) {
            try await table.update(Update(key, [.set("b", .number(1))]), returning: .nothing)
        }
        await #expect(throws: TableError.itemTooLarge) {
            try await table.transact([.put(Item(Key("P", "T")), if: nil), .update(Update(key, [.set("b", .number(1))]))])
        }
        #expect(try await table.get(key, strong: true) == full)
        #expect(try await table.get(Key("P", "T"), strong: true) == nil)
    }

    @Test(arguments: Engine.all) func `empty sets and key attributes are refused`(engine: Engine) async throws {
        let table = try await engine.table().table
        let key = Key("P", "S")
        let calls: [() async throws -> Void] = [
            { try await table.put(Item(key, ["set": .strings([])]), if: nil) },
            { try await table.put(Item(key, ["PK": .string("x")]), if: nil) },
            { try await table.put(Item(key, ["": .string("x")]), if: nil) },
            { try await table.write([.put(Item(key, ["set": .strings([])]))]) },
        ]
        let clauses: [[UpdateClause]] = [
            [.set("set", .strings([]))], [.insert("set", [])], [.delete("set", [])], [.set("GSI1PK", .string("x"))],
            [.remove("SK")], [.add("n", 1), .remove("n")],
        ]
        for call in calls { #expect(await attempt(call)?.isInvalid == true) }
        for clauses in clauses {
            let error = await attempt { _ = try await table.update(Update(key, clauses), returning: .nothing) }
            #expect(error?.isInvalid == true, "\(clauses)")
        }
        #expect(try await table.get(key, strong: true) == nil)
    }

    @Test(arguments: Engine.all) func `wrong queries are refused`(engine: Engine) async throws {
        let table = try await engine.table().table
        let queries = [
            Query(.gsi1, pk: "P", strong: true), Query(.gsi2, pk: "P", strong: true), Query(pk: ""), Query(pk: "P", limit: 0),
            Query(pk: "P", .prefix("")), Query(pk: "P", .between("b", "a")), Query(pk: "P", .above("")), Query(pk: "P", .below("")),
            Query(pk: "P", after: Cursor(key: Key("other", "a"))), Query(pk: "P", .prefix("b"), after: Cursor(key: Key("P", "a"))),
            Query(.gsi1, pk: "P", after: Cursor(key: Key("P", "a"))), Query(pk: "P", after: Cursor(key: Key("P", "a"), index: Key("P", "a"))),
            Query(.gsi1, pk: "P", after: Cursor(key: Key("P", "a"), index: Key("other", "a"))),
        ]
        for query in queries {
            let error = await attempt { _ = try await table.query(query) }
            #expect(error?.isInvalid == true, "\(query)")
        }
    }

    @Test(arguments: Engine.all) func `one item twice is refused in a batch and in a transaction`(engine: Engine) async throws {
        let table = try await engine.table().table
        let key = Key("P", "é")
        #expect(await attempt { try await table.write([.put(Item(key)), .delete(key)]) }?.isInvalid == true)
        let twice: [TransactAction] = [.check(key, if: .itemAbsent), .put(Item(key), if: nil)]
        #expect(await attempt { try await table.transact(twice) }?.isInvalid == true)
        #expect(try await table.get(key, strong: true) == nil)
        // By bytes these are two.
        try await table.transact([.put(Item(key), if: nil), .put(Item(Key("P", "e\u{301}")), if: nil)])
    }
}

extension TableError {
    var isInvalid: Bool {
        if case .invalid = self { true } else { false }
    }
}
