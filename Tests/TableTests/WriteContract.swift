import ChatStore
import Testing

/// What single writes do, on every engine.
@Suite struct WriteContract {
    let key = Key("P", "S")

    @Test(arguments: Engine.all) func `what is put is read, and what is not is nil`(engine: Engine) async throws {
        let tested = try await engine.table()
        let item = Item(
            key, gsi1: Key("G1", "1"), gsi2: Key("G2", "2"),
            ["s": .string("text"), "n": .number(-5), "max": .number(.max), "min": .number(.min), "set": .strings(["b", "a"])])
        try await tested.put([item])
        #expect(try await tested.table.get(key, strong: true) == item)
        #expect(try await tested.table.get(key, strong: false) == item)
        #expect(try await tested.table.get(Key("P", "other"), strong: true) == nil)
        #expect(try await tested.table.get(Key("other", "S"), strong: true) == nil)
    }

    @Test(arguments: Engine.all, ["", "\0", "a\0b", "\"\\\n\u{1}\u{7F}", "é e\u{301} 𝄞 \u{2028}", "{\"a\":[1]}", "1"])
    func `any text survives as a value`(engine: Engine, text: String) async throws {
        let tested = try await engine.table()
        let item = Item(key, ["text": .string(text), "set": .strings(["m"])])
        try await tested.put([item])
        #expect(try await tested.table.get(key, strong: true) == item)
    }

    @Test(arguments: Engine.all, ["a\0", "a\0b", "\0", "'; DROP TABLE items; --", "%", "é", "e\u{301}"])
    func `any text survives as a key, and is its own`(engine: Engine, text: String) async throws {
        let tested = try await engine.table()
        let item = Item(Key(text, text), gsi1: Key(text, text), gsi2: Key(text, text), ["v": .number(1)])
        let other = Item(Key("a", "a"), ["v": .number(2)])
        try await tested.put([item, other])
        #expect(try await tested.table.get(item.key, strong: true) == item)
        #expect(try await tested.table.get(other.key, strong: true) == other)
        for index in [IndexName.table, .gsi1, .gsi2] {
            let shown = engine.projected(item, in: index)
            #expect(try await tested.all(Query(index, pk: text, .prefix(text)), pageSize: engine.pageSize) == [shown])
        }
    }

    @Test(arguments: Engine.all) func `keys that are canonically equivalent are two items`(engine: Engine) async throws {
        let tested = try await engine.table()
        try await tested.put([
            Item(Key("é", "é"), ["n": .number(1)]), Item(Key("é", "e\u{301}"), ["n": .number(2)]),
            Item(Key("e\u{301}", "é"), ["n": .number(3)]),
        ])
        #expect(try await tested.table.get(Key("é", "é"), strong: true)?.number("n") == 1)
        #expect(try await tested.table.get(Key("é", "e\u{301}"), strong: true)?.number("n") == 2)
        #expect(try await tested.table.get(Key("e\u{301}", "é"), strong: true)?.number("n") == 3)
        #expect(try await tested.all(Query(pk: "é"), pageSize: engine.pageSize).count == 2)
    }

    @Test(arguments: Engine.all) func `a put replaces the whole item and its index keys`(engine: Engine) async throws {
        let tested = try await engine.table()
        try await tested.put([Item(key, gsi1: Key("G", "1"), gsi2: Key("H", "1"), ["a": .number(1), "expiresAt": .number(9)])])
        let new = Item(key, gsi1: Key("G", "2"), ["b": .number(2)])
        try await tested.put([new])
        #expect(try await tested.table.get(key, strong: true) == new)
        #expect(try await tested.all(Query(.gsi1, pk: "G"), pageSize: engine.pageSize).map(\.gsi1) == [Key("G", "2")])
        #expect(try await tested.all(Query(.gsi2, pk: "H"), pageSize: engine.pageSize).isEmpty)
    }

    @Test(arguments: Engine.all) func `a failed put carries the item that was there and changes nothing`(engine: Engine) async throws {
        let tested = try await engine.table()
        let item = Item(key, gsi1: Key("G", "1"), ["a": .number(1), "set": .strings(["x"])])
        try await tested.put([item])
        await #expect(throws: TableError.conditionFailed(item)) {
            try await tested.table.put(Item(key, ["a": .number(2)]), if: .itemAbsent)
        }
        await #expect(throws: TableError.conditionFailed(nil)) {
            try await tested.table.put(Item(Key("P", "T")), if: .itemExists)
        }
        #expect(try await tested.table.get(key, strong: true) == item)
        #expect(try await tested.table.get(Key("P", "T"), strong: true) == nil)
        if engine.hasFeed { #expect(tested.log.changes == [ItemChange(old: nil, new: item)]) }
    }

    @Test(arguments: Engine.all) func `an update of what is not there creates it`(engine: Engine) async throws {
        let tested = try await engine.table()
        let update = Update(key, [.set("s", .string("x")), .add("n", 3), .insert("set", ["m"]), .remove("r"), .delete("d", ["m"])])
        let expected = Item(key, ["s": .string("x"), "n": .number(3), "set": .strings(["m"])])
        #expect(try await tested.table.update(update, returning: .after) == expected)
        #expect(try await tested.table.get(key, strong: true) == expected)
    }

    @Test(arguments: Engine.all) func `an update keeps what it does not name`(engine: Engine) async throws {
        let tested = try await engine.table()
        let old = Item(key, gsi1: Key("G", "1"), ["keep": .string("k"), "n": .number(40), "set": .strings(["a", "b"]), "r": .number(1)])
        try await tested.put([old])
        let clauses: [UpdateClause] = [.add("n", 2), .insert("set", ["b", "c"]), .remove("r"), .set("new", .number(7))]
        let new = Item(
            key, gsi1: Key("G", "1"),
            ["keep": .string("k"), "n": .number(42), "set": .strings(["a", "b", "c"]), "new": .number(7)])
        #expect(try await tested.table.update(Update(key, clauses), returning: .after) == new)
        #expect(try await tested.table.get(key, strong: true) == new)
    }

    @Test(arguments: Engine.all) func `an update returns the image that was asked for`(engine: Engine) async throws {
        let tested = try await engine.table()
        let add = Update(key, [.add("n", 1)])
        #expect(try await tested.table.update(add, returning: .before) == nil)
        #expect(try await tested.table.update(add, returning: .before) == Item(key, ["n": .number(1)]))
        #expect(try await tested.table.update(add, returning: .after) == Item(key, ["n": .number(3)]))
        #expect(try await tested.table.update(add, returning: .nothing) == nil)
        #expect(try await tested.table.get(key, strong: true) == Item(key, ["n": .number(4)]))
    }

    @Test(arguments: Engine.all) func `a set emptied is absent, and may be filled again`(engine: Engine) async throws {
        let tested = try await engine.table()
        try await tested.put([Item(key, ["set": .strings(["a", "b"])])])
        #expect(try await tested.table.update(Update(key, [.delete("set", ["a"])]), returning: .after)?.strings("set") == ["b"])
        let emptied = Update(key, [.delete("set", ["b", "c"])], if: .sizeEquals("set", 1))
        #expect(try await tested.table.update(emptied, returning: .after) == Item(key))
        let refilled = Update(key, [.insert("set", ["z"])], if: .absent("set"))
        #expect(try await tested.table.update(refilled, returning: .after) == Item(key, ["set": .strings(["z"])]))
    }

    @Test(arguments: Engine.all) func `a failed update carries the item that was there`(engine: Engine) async throws {
        let tested = try await engine.table()
        let item = Item(key, ["n": .number(1)])
        try await tested.put([item])
        await #expect(throws: TableError.conditionFailed(item)) {
            try await tested.table.update(Update(key, [.add("n", 1)], if: .atLeast("n", 2)), returning: .after)
        }
        await #expect(throws: TableError.conditionFailed(nil)) {
            try await tested.table.update(Update(Key("P", "T"), [.add("n", 1)], if: .itemExists), returning: .nothing)
        }
        #expect(try await tested.table.get(key, strong: true) == item)
        #expect(try await tested.table.get(Key("P", "T"), strong: true) == nil)
    }

    @Test(arguments: Engine.all) func `arithmetic on the wrong type or past 64 bits is refused`(engine: Engine) async throws {
        let tested = try await engine.table()
        let item = Item(key, ["text": .string("x"), "max": .number(.max), "set": .strings(["a"])])
        try await tested.put([item])
        let clauses: [UpdateClause] = [.add("text", 1), .add("max", 1), .insert("text", ["a"]), .delete("max", ["a"]), .add("set", 1)]
        for clause in clauses {
            let alone = await attempt { _ = try await tested.table.update(Update(key, [clause]), returning: .nothing) }
            #expect(alone?.isInvalid == true, "\(clause)")
            let together = await attempt {
                try await tested.table.transact([.put(Item(Key("P", "T")), if: nil), .update(Update(key, [clause]))])
            }
            #expect(together?.isInvalid == true, "\(clause)")
        }
        #expect(try await tested.table.get(key, strong: true) == item)
    }

    @Test(arguments: Engine.all) func `a delete returns the item, or nil when there was none`(engine: Engine) async throws {
        let tested = try await engine.table()
        let item = Item(key, gsi1: Key("G", "1"), ["n": .number(1)])
        try await tested.put([item])
        #expect(try await tested.table.delete(key, if: nil) == item)
        try await tested.settle()
        #expect(try await tested.table.get(key, strong: true) == nil)
        #expect(try await tested.all(Query(.gsi1, pk: "G"), pageSize: engine.pageSize).isEmpty)
        #expect(try await tested.table.delete(key, if: nil) == nil)
        #expect(try await tested.table.delete(key, if: .itemAbsent) == nil)
    }

    @Test(arguments: Engine.all) func `a delete whose condition fails leaves the item`(engine: Engine) async throws {
        let tested = try await engine.table()
        let item = Item(key, ["n": .number(1)])
        try await tested.put([item])
        await #expect(throws: TableError.conditionFailed(item)) { try await tested.table.delete(key, if: .equals("n", .number(2))) }
        await #expect(throws: TableError.conditionFailed(nil)) { try await tested.table.delete(Key("P", "T"), if: .itemExists) }
        #expect(try await tested.table.get(key, strong: true) == item)
    }
}
