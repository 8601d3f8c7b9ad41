import ChatStore
import Testing

/// Every condition, judged by an engine on what it has stored.
@Suite struct ConditionContract {
    struct Case: Sendable, CustomTestStringConvertible {
        let condition: Condition
        /// Whether it holds for ``stored``, and for no item at all.
        let stored: Bool
        let missing: Bool
        var testDescription: String { "\(condition)" }
    }

    static let stored = Item(
        Key("P", "S"), ["s": .string("é"), "n": .number(5), "zero": .number(0), "set": .strings(["a", "b"])])

    static let cases: [Case] = [
        Case(condition: .itemExists, stored: true, missing: false),
        Case(condition: .itemAbsent, stored: false, missing: true),
        Case(condition: .exists("n"), stored: true, missing: false),
        Case(condition: .exists("none"), stored: false, missing: false),
        Case(condition: .absent("n"), stored: false, missing: true),
        Case(condition: .absent("none"), stored: true, missing: true),
        Case(condition: .equals("s", .string("é")), stored: true, missing: false),
        Case(condition: .equals("s", .string("e\u{301}")), stored: false, missing: false),
        Case(condition: .equals("n", .number(5)), stored: true, missing: false),
        Case(condition: .equals("n", .string("5")), stored: false, missing: false),
        Case(condition: .equals("set", .strings(["b", "a"])), stored: true, missing: false),
        Case(condition: .equals("set", .strings(["a"])), stored: false, missing: false),
        Case(condition: .atMost("n", 5), stored: true, missing: false),
        Case(condition: .atMost("n", 4), stored: false, missing: false),
        Case(condition: .atMost("none", 4), stored: false, missing: false),
        Case(condition: .atMost("s", 4), stored: false, missing: false),
        Case(condition: .atLeast("n", 5), stored: true, missing: false),
        Case(condition: .atLeast("n", 6), stored: false, missing: false),
        Case(condition: .atLeast("none", -1), stored: false, missing: false),
        Case(condition: .atLeast("zero", 0), stored: true, missing: false),
        Case(condition: .contains("set", "a"), stored: true, missing: false),
        Case(condition: .contains("set", "c"), stored: false, missing: false),
        Case(condition: .contains("none", "a"), stored: false, missing: false),
        Case(condition: .sizeEquals("set", 2), stored: true, missing: false),
        Case(condition: .sizeEquals("set", 1), stored: false, missing: false),
        Case(condition: .sizeEquals("none", 0), stored: false, missing: false),
        Case(condition: .sizeBelow("set", 3), stored: true, missing: false),
        Case(condition: .sizeBelow("set", 2), stored: false, missing: false),
        Case(condition: .sizeBelow("none", 9), stored: false, missing: false),
        Case(condition: .all([.itemExists, .exists("n")]), stored: true, missing: false),
        Case(condition: .all([.itemExists, .exists("none")]), stored: false, missing: false),
        Case(condition: .any([.exists("none"), .exists("n")]), stored: true, missing: false),
        Case(condition: .any([.itemAbsent, .atLeast("n", 5)]), stored: true, missing: true),
        Case(condition: .any([.itemAbsent, .atLeast("n", 6)]), stored: false, missing: true),
        Case(condition: .not(.exists("n")), stored: false, missing: true),
        Case(condition: .not(.all([.exists("n"), .exists("none")])), stored: true, missing: true),
    ]

    @Test(arguments: Engine.each, cases)
    func `a condition holds or fails in every kind of write`(engine: Engine, example: Case) async throws {
        let tested = try await engine.table()
        let (stored, missing) = (Self.stored, Key("P", "none"))
        try await tested.put([stored])
        for (key, old, holds) in [(stored.key, stored as Item?, example.stored), (missing, nil, example.missing)] {
            let table = tested.table
            let failure = TableError.conditionFailed(old)
            let put = await attempt { try await table.put(old ?? Item(missing), if: example.condition) }
            #expect(put == (holds ? nil : failure))
            _ = try await table.delete(missing, if: nil)
            let update = await attempt {
                _ = try await table.update(Update(key, [.remove("unknown")], if: example.condition), returning: .nothing)
            }
            #expect(update == (holds ? nil : failure))
            _ = try await table.delete(missing, if: nil)
            let check = await attempt { try await table.transact([.check(key, if: example.condition)]) }
            #expect(check == (holds ? nil : .transactionFailed([.failed(old)])))
            let delete = await attempt { _ = try await table.delete(key, if: example.condition) }
            #expect(delete == (holds ? nil : failure))
            #expect(try await table.get(key, strong: true) == (holds ? nil : old))
        }
    }
}

/// The table's error from a call, or nil when it succeeded. Any other error is an issue.
func attempt(_ call: () async throws -> Void) async -> TableError? {
    do {
        try await call()
    } catch let error as TableError {
        return error
    } catch {
        Issue.record(error)
    }
    return nil
}
