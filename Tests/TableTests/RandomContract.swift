import ChatStore
import MemoryTable
import Testing

/// An engine and the table in memory get the same random calls, and must answer the same.
@Suite struct RandomContract {
    @Test(arguments: Engine.all.filter { $0.name != "memory" } + [Engine.withoutFeed], [1, 2, 3] as [UInt64])
    func `random calls are answered as the memory table answers them`(engine: Engine, seed: UInt64) async throws {
        let tested = try await engine.table()
        let model = MemoryTable(pageSize: engine.pageSize)
        var random = SplitMix(seed)
        for step in 0..<300 {
            let call = RandomCall(&random)
            let expected = await call.answer(of: model).seen(through: engine, by: call)
            let answer = await call.answer(of: tested.table).seen(through: engine, by: call)
            try await tested.settle()
            try #require(answer == expected, "seed \(seed), step \(step): \(call)")
        }
    }
}

/// One call on few keys, so that calls meet each other's items.
enum RandomCall {
    case get(Key)
    case batch([Key])
    case write([BatchWrite])
    case put(Item, Condition?)
    case update(Update, ReturnedImage)
    case delete(Key, Condition?)
    case transact([TransactAction])
    case query(Query)

    var isWrite: Bool {
        switch self {
        case .get, .batch, .query: false
        default: true
        }
    }

    enum Answer: Equatable {
        case item(Item?)
        case items([Item])
        case page(Page)
        case done
        case error(TableError)
    }

    init(_ random: inout SplitMix) {
        switch Int.random(in: 0..<12, using: &random) {
        case 0: self = .get(random.key())
        case 1: self = .batch(random.several { $0.key() })
        case 2: self = .write(random.several { Bool.random(using: &$0) ? .put($0.item()) : .delete($0.key()) })
        case 3, 4: self = .put(random.item(), random.condition())
        case 5, 6: self = .update(random.update(), [ReturnedImage.nothing, .before, .after].randomElement(using: &random)!)
        case 7: self = .delete(random.key(), random.condition())
        case 8, 9: self = .transact(random.several { $0.action() })
        default: self = .query(random.query())
        }
    }

    func answer(of table: some Table) async -> Answer {
        do throws(TableError) {
            switch self {
            case .get(let key): return .item(try await table.get(key, strong: true))
            case .batch(let keys): return .items(try await table.get(keys, strong: true).sorted { $0.key < $1.key })
            case .write(let writes): try await table.write(writes)
            case .put(let item, let condition): try await table.put(item, if: condition)
            case .update(let update, let image): return .item(try await table.update(update, returning: image))
            case .delete(let key, let condition): return .item(try await table.delete(key, if: condition))
            case .transact(let actions): try await table.transact(actions)
            case .query(let query): return .page(try await table.query(query))
            }
            return .done
        } catch {
            return .error(error)
        }
    }
}

extension RandomCall.Answer {
    /// What may differ is taken away: the other index's keys, and DynamoDB's own words for what it refuses itself.
    func seen(through engine: Engine, by call: RandomCall) -> Self {
        switch (self, call) {
        case (.page(var page), .query(let query)):
            page.items = page.items.map { engine.projected($0, in: query.index) }
            return .page(page)
        case (.error(.invalid), _) where engine.isDynamo: return .error(.invalid(""))
        default: return self
        }
    }
}

/// SplitMix64 (https://prng.di.unimi.it/splitmix64.c), so that a seed names a run.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    private mutating func pick<Element>(_ elements: [Element]) -> Element { elements.randomElement(using: &self)! }
    mutating func several<Element>(_ make: (inout SplitMix) -> Element) -> [Element] {
        (0..<Int.random(in: 1...4, using: &self)).map { _ in make(&self) }
    }

    private mutating func sk() -> String { pick(["a", "a#", "b", "é", "e\u{301}", "𝄞", "a\0"]) }
    mutating func key() -> Key { Key(pick(["P", "Q"]), sk()) }
    private mutating func name() -> String { pick(["n", "s", "set", "v"]) }
    private mutating func members() -> Set<String> { Set(several { $0.pick(["x", "y", "z"]) }) }
    private mutating func value() -> AttributeValue {
        switch Int.random(in: 0..<3, using: &self) {
        case 0: .number(pick([0, 1, 2, .max]))
        case 1: .string(sk())
        default: .strings(members())
        }
    }

    mutating func item() -> Item {
        var item = Item(key(), gsi1: pick([nil, Key("P", sk())]), gsi2: pick([nil, key()]))
        for _ in 0..<3 { item[name()] = value() }
        return item
    }

    mutating func condition() -> Condition? {
        pick([
            nil, nil, .itemExists, .itemAbsent, .exists(name()), .absent(name()), .equals(name(), value()), .atMost(name(), 1),
            .atLeast(name(), 1), .contains("set", "x"), .sizeEquals("set", 1), .sizeBelow("set", 2), .not(.exists(name())),
            .any([.itemAbsent, .absent(name())]),
        ])
    }

    mutating func update() -> Update {
        let clauses = several { random -> UpdateClause in
            random.pick([
                .set(random.name(), random.value()), .add("n", random.pick([-1, 1])), .insert("set", random.members()),
                .delete("set", random.members()), .remove(random.name()),
            ])
        }
        return Update(key(), clauses, if: condition())
    }

    mutating func action() -> TransactAction {
        pick([.put(item(), if: condition()), .update(update()), .delete(key(), if: condition()), .check(key(), if: condition() ?? .itemExists)])
    }

    mutating func query() -> Query {
        let ranges: [SortKeyRange] = [.all, .prefix(sk()), .between("a", sk()), .above(sk()), .below(sk())]
        var query = Query(
            pick([.table, .gsi1, .gsi2]), pk: pick(["P", "Q"]), pick(ranges), ascending: Bool.random(using: &self),
            limit: pick([nil, 1, 2, 10]))
        // A cursor of an item that may exist or not.
        if Bool.random(using: &self) {
            let index = query.index == .table ? nil : Key(query.pk, sk())
            query.after = Cursor(key: query.index == .table ? Key(query.pk, sk()) : key(), index: index)
        }
        return query
    }
}
