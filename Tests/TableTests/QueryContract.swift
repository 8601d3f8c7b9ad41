import ChatStore
import Testing

/// What queries find and in which order, on every engine.
@Suite struct QueryContract {
    /// In byte order, which is neither the order of code points in UTF-16 nor any language's.
    static let ordered = [
        "\u{1}", "#", "#a", "%", "0", "10", "9", "A", "Z", "a", "a\0", "a#", "aa", "b", "e\u{301}", "z", "\u{7F}", "é",
        "\u{FFFD}", "𝄞", "\u{10FFFF}",
    ]

    static let indexes: [IndexName] = [.table, .gsi1, .gsi2]

    /// One item for each sort key in the queried index, beside others that no query of partition "P" may find.
    static func items(_ index: IndexName) -> [Item] {
        let found = ordered.reversed().enumerated().map { place, sk in
            switch index {
            case .table: Item(Key("P", sk), ["v": .number(1)])
            // The primary order is another than the index's.
            case .gsi1: Item(Key("row\(place)", "x"), gsi1: Key("P", sk), ["v": .number(1)])
            case .gsi2: Item(Key("row\(place)", "x"), gsi2: Key("P", sk), ["v": .number(1)])
            }
        }
        return found + [
            Item(Key("P2", "a"), gsi1: Key("P2", "a"), gsi2: Key("P2", "a")), Item(Key("O", "a"), gsi1: Key("p", "a")),
            Item(Key("other", "a")), Item(Key("P\0", "a"), gsi1: Key("P\0", "a"), gsi2: Key("P\0", "a")),
        ]
    }

    static func sortKeys(_ items: [Item], _ index: IndexName) -> [String?] {
        items.map { item in
            switch index {
            case .table: item.key.sk
            case .gsi1: item.gsi1?.sk
            case .gsi2: item.gsi2?.sk
            }
        }
    }

    static let ranges: [SortKeyRange] = [
        .all, .prefix("a"), .prefix("#"), .prefix("nothing"), .prefix("\u{10FFFF}"), .prefix("é"), .prefix("e"),
        .between("A", "a"), .between("a", "a"), .between("#", "#"), .between("b", "c"), .between("\u{1}", "\u{10FFFF}"),
        .above("a"), .above("\u{10FFFF}"), .above("\u{1}"), .above("ab"),
        .below("a"), .below("\u{1}"), .below("𝄞"), .below("ab"),
    ]

    @Test(arguments: Engine.all) func `what is wanted is there, through every page`(engine: Engine) async throws {
        let tested = try await engine.table()
        try await tested.put((1...5).map { Item(Key("P", "\($0)"), gsi1: Key("G", "\($0)"), ["a": .number($0), "b": .string("b")]) })
        let items = try await tested.all(Query(pk: "P", strong: true, wanted: ["a", "none"]), pageSize: engine.pageSize)
        #expect(items.map(\.key) == (1...5).map { Key("P", "\($0)") })
        #expect(items.map { $0.number("a") } == [1, 2, 3, 4, 5])
    }

    @Test(arguments: Engine.all, indexes)
    func `every range lists its items in byte order, both ways, through any limit`(engine: Engine, index: IndexName) async throws {
        let tested = try await engine.table()
        try await tested.put(Self.items(index))
        // A page from DynamoDB is a call.
        func limits(_ count: Int) -> [Int?] { engine.isDynamo ? [nil, 3] : [nil, 1, 2, 3, count, count + 1, 5000] }
        for range in Self.ranges {
            let expected = Self.ordered.filter(range.contains)
            for limit in limits(expected.count) where limit != 0 {
                var query = Query(index, pk: "P", range, limit: limit)
                let up = try await tested.all(query, pageSize: engine.pageSize)
                #expect(Self.sortKeys(up, index).map { $0.map { Array($0.utf8) } } == expected.map { Array($0.utf8) }, "\(range) \(limit ?? 0)")
                query.ascending = false
                let down = try await tested.all(query, pageSize: engine.pageSize)
                #expect(down == up.reversed(), "\(range) \(limit ?? 0)")
            }
        }
    }

    @Test(arguments: Engine.all) func `a page that reaches its bound has a next, even when nothing follows`(engine: Engine) async throws {
        let tested = try await engine.table()
        try await tested.put([Item(Key("P", "1"))])
        let page = try await tested.table.query(Query(pk: "P", limit: 1))
        #expect(page == Page(items: [Item(Key("P", "1"))], next: Cursor(key: Key("P", "1"))))
        #expect(try await tested.table.query(Query(pk: "P", limit: 1, after: page.next)) == Page(items: [], next: nil))
        #expect(try await tested.table.query(Query(pk: "none")) == Page(items: [], next: nil))
    }

    @Test(arguments: Engine.all, [true, false])
    func `items that share an index key are ordered by primary key and paged one by one`(engine: Engine, ascending: Bool) async throws {
        let tested = try await engine.table()
        let items = ["A", "B", "B2", "é"].flatMap { pk in
            ["1", "2"].map { Item(Key(pk, $0), gsi1: Key("G", "same"), gsi2: Key("H", "same")) }
        }
        try await tested.put(items.reversed())
        for (index, pk) in [(IndexName.gsi1, "G"), (.gsi2, "H")] {
            for range in [SortKeyRange.all, .prefix("sa"), .between("same", "same")] {
                let query = Query(index, pk: pk, range, ascending: ascending, limit: 1)
                let found = try await tested.all(query, pageSize: engine.pageSize)
                let expected = items.map { engine.projected($0, in: index) }
                #expect(found == (ascending ? expected : expected.reversed()))
            }
        }
    }

    @Test(arguments: Engine.all, indexes)
    func `a cursor works when its item is gone`(engine: Engine, index: IndexName) async throws {
        let tested = try await engine.table()
        func item(_ sk: String) -> Item { Item(Key("P", sk), gsi1: Key("P", sk), gsi2: Key("P", sk)) }
        try await tested.put(["1", "2", "3", "4"].map(item))
        for (ascending, deleted, left) in [(true, "1", ["2", "3", "4"]), (false, "4", ["3", "2"])] {
            let page = try await tested.table.query(Query(index, pk: "P", ascending: ascending, limit: 1))
            #expect(page.items == [engine.projected(item(deleted), in: index)])
            _ = try await tested.table.delete(Key("P", deleted), if: nil)
            try await tested.settle()
            let rest = Query(index, pk: "P", ascending: ascending, after: page.next)
            #expect(try await tested.all(rest, pageSize: engine.pageSize) == left.map { engine.projected(item($0), in: index) })
        }
    }

    @Test(arguments: Engine.all) func `an index shows keys and projected attributes only`(engine: Engine) async throws {
        let tested = try await engine.table()
        let all = Item(
            Key("P", "S"), gsi1: Key("G", "1"), gsi2: Key("H", "1"),
            [
                "v": .number(1), "tenantId": .string("t"), "userId": .string("u"), "connectedAt": .number(2),
                "expiresAt": .number(3), "rooms": .strings(["r"]),
            ])
        try await tested.put([all])
        for (index, pk) in [(IndexName.gsi1, "G"), (.gsi2, "H")] {
            #expect(try await tested.all(Query(index, pk: pk), pageSize: engine.pageSize) == [engine.projected(all, in: index)])
        }
        #expect(try await tested.all(Query(pk: "P"), pageSize: engine.pageSize) == [all])
    }

    @Test func `lagging indexes show what was settled`() async throws {
        let tested = try await Engine.all.first { $0.name.contains("lag") }!.make(1000, ChangeLog())
        let item = Item(Key("P", "S"), gsi1: Key("G", "1"))
        try await tested.table.put(item, if: nil)
        #expect(try await tested.table.query(Query(pk: "P", strong: true)).items == [item])
        #expect(try await tested.table.query(Query(.gsi1, pk: "G")).items.isEmpty)
        try await tested.settle()
        #expect(try await tested.table.query(Query(.gsi1, pk: "G")).items == [item])
        _ = try await tested.table.delete(item.key, if: nil)
        #expect(try await tested.table.query(Query(.gsi1, pk: "G")).items == [item])
    }
}
