import ChatStore
import MemoryTable
import Testing

/// Reads that are not strong, where the table in memory lets them lag.
@Suite struct WeakReadTests {
    private static let key = Key("P", "1")

    @Test func `a read that is not strong shows what was there when the table last settled`() async throws {
        let table = MemoryTable(indexLag: true, readLag: true)
        let old = Item(Self.key, ["n": .number(1)]), new = Item(Self.key, ["n": .number(2)]), other = Item(Key("P", "2"))
        func weakly() async throws -> [[Item]] {
            [
                try await table.get(Self.key, strong: false).map { [$0] } ?? [], try await table.get([Self.key, other.key], strong: false),
                try await table.query(Query(pk: "P")).items,
            ]
        }
        try await table.put(old, if: nil)
        #expect(try await weakly() == [[], [], []])
        table.settleIndexes()
        #expect(try await weakly() == [[old], [old], [old]])

        try await table.put(new, if: nil)
        try await table.put(other, if: nil)
        _ = try await table.delete(Self.key, if: nil)
        #expect(try await weakly() == [[old], [old], [old]])
        #expect(try await table.get(Self.key, strong: true) == nil)
        #expect(try await table.get([Self.key, other.key], strong: true) == [other])
        #expect(try await table.query(Query(pk: "P", strong: true)).items == [other])
        table.settleIndexes()
        #expect(try await weakly() == [[], [other], [other]])
    }

    @Test func `only indexes lag unless reads are to`() async throws {
        let table = MemoryTable(indexLag: true)
        let item = Item(Self.key, ["n": .number(1)])
        try await table.put(item, if: nil)
        #expect(try await table.get(Self.key, strong: false) == item)
        #expect(try await table.query(Query(pk: "P")).items == [item])
    }
}
