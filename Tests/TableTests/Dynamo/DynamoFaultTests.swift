import AWSClient
import ChatStore
import JSONCoding
import Synchronization
import TestSupport
import Testing

@testable import DynamoTable

/// The table on an emulator with a network and a service between them that do not always work.
@Suite(.enabled(if: Emulator.endpoint != nil)) struct DynamoFaultTests {
    let key = Key("P", "S")

    func table(
        waits: Waits = Waits(), onCapacity: (@Sendable (ConsumedCapacity) -> Void)? = nil,
        _ handle: @escaping @Sendable (Int, AWSRequest, FaultyCaller.Next) async throws(AWSError) -> AWSResponse
    ) async throws -> (table: DynamoTable, caller: FaultyCaller) {
        let name = Emulator.freshName()
        try await Emulator.createTable(name)
        let caller = FaultyCaller(handle)
        return (DynamoTable(caller, name: name, waits: waits, onCapacity: onCapacity), caller)
    }

    static let items = (0..<260).map { Item(Key("P\($0 % 7)", "S\($0)"), ["n": .number(Int64($0))]) }

    @Test func `batches of which half is handed back are finished, a few calls at once`() async throws {
        // How many calls are under way, and were at most.
        let counts = Mutex((now: 0, most: 0))
        let waits = Waits()
        let (table, caller) = try await table(waits: waits) { _, request, next throws(AWSError) in
            counts.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
            defer { counts.withLock { $0.now -= 1 } }
            await Task.yield()
            return try await request.handingHalfBack(next)
        }
        try await table.write(Self.items.map(BatchWrite.put))
        // 25, 12 of them handed back, then 6, 3, 1.
        #expect(caller.requests.count == 11 * 5 - 1)
        let found = try await table.get(Self.items.map(\.key) + [Key("none", "x")], strong: true)
        #expect(found.sorted { $0.key < $1.key } == Self.items.sorted { $0.key < $1.key })
        #expect(counts.withLock { $0.most } <= DynamoTable.chunksAtOnce)
        // Something was done each time, so that no wait was longer than the first may be.
        #expect(!waits.durations.isEmpty && waits.durations.allSatisfy { $0 <= BackOff.first })
        try await table.write(Self.items.map { .delete($0.key) })
        #expect(try await table.get(Self.items.map(\.key), strong: true).isEmpty)
    }

    @Test func `a batch of which nothing is done is given up`() async throws {
        let waits = Waits()
        let (table, caller) = try await table(waits: waits) { _, request, _ throws(AWSError) in
            AWSResponse(status: 200, body: request.handedBack(0))
        }
        #expect(await attempt { try await table.write([.put(Item(key))]) } == .throttled)
        #expect(await attempt { _ = try await table.get([key], strong: true) } == .throttled)
        #expect(caller.requests.count == 2 * BackOff.attempts)
        #expect(waits.durations.count == 2 * (BackOff.attempts - 1))
    }

    @Test func `a batch that was begun and throttled then may have been written`() async throws {
        let (table, _) = try await table { number, request, next throws(AWSError) in
            guard number == 0 else { throw .refusal("ProvisionedThroughputExceededException", status: 400) }
            return try await request.handingHalfBack(next)
        }
        let error = await attempt { try await table.write(Self.items.prefix(4).map(BatchWrite.put)) }
        #expect(error?.unavailability != nil, "\(String(describing: error))")
    }

    @Test func `a batch throttled at once was not written`() async throws {
        let (table, _) = try await table { _, _, _ throws(AWSError) in throw .refusal("ThrottlingException") }
        #expect(await attempt { try await table.write([.put(Item(key))]) } == .throttled)
        #expect(await attempt { try await table.write(Self.items.map(BatchWrite.put)) }?.unavailability != nil)
    }

    @Test func `a transaction whose answer was lost is done once`() async throws {
        // As the client does: the same request again.
        let (table, caller) = try await table { _, request, next throws(AWSError) in
            _ = try await next(request)
            return try await next(request)
        }
        let count = TransactAction.update(Update(key, [.add("n", 1)]))
        let first = TransactAction.put(Item(Key("P", "once")), if: .itemAbsent)
        try await table.transact([count, first])
        #expect(try await table.get(key, strong: true)?.number("n") == 1)
        // Another call with the same actions is another transaction.
        try await table.transact([count])
        #expect(try await table.get(key, strong: true)?.number("n") == 2)
        #expect(caller.requests.count == 4)
    }

    @Test func `a single write whose answer was lost may meet its own effect`() async throws {
        let (table, _) = try await table { _, request, next throws(AWSError) in
            _ = try await next(request)
            return try await next(request)
        }
        let item = Item(key, ["by": .string("me")])
        // What a caller has to expect: the item in the error is what this very call wrote.
        await #expect(throws: TableError.conditionFailed(item)) { try await table.put(item, if: .itemAbsent) }
        #expect(try await table.delete(key, if: nil) == nil)
        #expect(try await table.get(key, strong: true) == nil)
    }

    @Test func `a page ends at 1 MB and the next goes on behind it`() async throws {
        let (table, _) = try await table { _, request, next throws(AWSError) in try await next(request) }
        let items = (1...9).map { Item(Key("P", "\($0)"), ["body": .string(String(repeating: "x", count: 300_000))]) }
        try await table.write(items.map(BatchWrite.put))
        var (found, pages): ([Item], Int) = ([], 0)
        var query = Query(pk: "P", strong: true)
        repeat {
            let page = try await table.query(query)
            #expect(page.items.reduce(0) { $0 + $1.size } <= 1 << 20)
            found += page.items
            pages += 1
            query.after = page.next
        } while query.after != nil
        #expect(found == items)
        #expect(pages == 3)
    }

    @Test func `a missing table and a missing index are named`() async throws {
        let missing = DynamoTable(Emulator.caller, name: "muster-none")
        let calls: [() async throws -> Void] = [
            { _ = try await missing.get(key, strong: true) }, { _ = try await missing.get([key], strong: true) },
            { try await missing.put(Item(key), if: nil) }, { _ = try await missing.update(Update(key, [.add("n", 1)]), returning: .after) },
            { _ = try await missing.delete(key, if: nil) }, { _ = try await missing.query(Query(pk: "P")) },
            { try await missing.write([.put(Item(key))]) }, { try await missing.transact([.put(Item(key), if: nil)]) },
        ]
        let expected = "the table muster-none in eu-west-1 does not exist (ResourceNotFoundException): check the table's name and the region, or deploy it"
        for call in calls { #expect(await attempt(call) == .unavailable(expected)) }
        let name = Emulator.freshName()
        _ = try await Emulator.call("CreateTable", """
            {"TableName":"\(name)","BillingMode":"PAY_PER_REQUEST",\
            "AttributeDefinitions":[{"AttributeName":"PK","AttributeType":"S"},{"AttributeName":"SK","AttributeType":"S"}],\
            "KeySchema":[{"AttributeName":"PK","KeyType":"HASH"},{"AttributeName":"SK","KeyType":"RANGE"}]}
            """)
        let error = await attempt { _ = try await DynamoTable(Emulator.caller, name: name).query(Query(.gsi1, pk: "P")) }
        #expect(error?.unavailability?.contains("lacks an index") == true, "\(String(describing: error))")
    }

    @Test func `what calls consume is counted by the emulator as schema/README.md says`() async throws {
        let heard = Heard()
        let (table, _) = try await table(onCapacity: heard.note) { _, request, next throws(AWSError) in try await next(request) }
        let item = Item(key, gsi1: Key("G", "1"), gsi2: Key("H", "1"), ["v": .number(1)])
        try await table.put(item, if: nil)
        try await table.transact([.put(Item(Key("P", "T")), if: nil), .update(Update(key, [.set("expiresAt", .number(1))]))])
        _ = try await table.get(key, strong: true)
        _ = try await table.query(Query(.gsi1, pk: "G"))
        #expect(heard.all == [
            ConsumedCapacity(operation: "PutItem", table: .init(write: 1), indexes: ["GSI1": .init(write: 1), "GSI2": .init(write: 1)]),
            // No index projects the end of a lease.
            ConsumedCapacity(operation: "TransactWriteItems", table: .init(write: 4)),
            ConsumedCapacity(operation: "GetItem", table: .init(read: 1)),
            ConsumedCapacity(operation: "Query", table: .init(), indexes: ["GSI1": .init(read: 0.5)]),
        ])
    }

    @Test func `the tests' table is the one of schema/README.md`() async throws {
        let name = Emulator.freshName()
        try await Emulator.createTable(name, timeToLive: true)
        let described = try #require(try await Emulator.call("DescribeTable", #"{"TableName":"\#(name)"}"#)?["Table"]?.object)
        #expect(described["StreamSpecification"]?.object?["StreamViewType"]?.string == "NEW_AND_OLD_IMAGES")
        let indexes = try #require(described["GlobalSecondaryIndexes"]?.array)
        #expect(indexes.compactMap { $0.object?["IndexName"]?.string } == ["GSI1", "GSI2"])
        for index in indexes {
            let projected = index.object?["Projection"]?.object?["NonKeyAttributes"]?.array?.compactMap(\.string)
            #expect(projected.map(Set.init) == IndexProjection.attributes)
        }
        let life = try await Emulator.call("DescribeTimeToLive", #"{"TableName":"\#(name)"}"#)?["TimeToLiveDescription"]?.object
        #expect(life?["AttributeName"]?.string == "expiresAt")
    }
}

extension AWSRequest {
    /// Sends the first half of a batch (at least one) and hands the rest back as unprocessed. Other calls go through.
    func handingHalfBack(_ next: FaultyCaller.Next) async throws(AWSError) -> AWSResponse {
        guard operation.hasPrefix("Batch"), let (table, entries) = batch, entries.count > 1 else { return try await next(self) }
        let done = (entries.count + 1) / 2
        var half = self
        half.body = rewritten(table, Array(entries.prefix(done)))
        let answer = try await next(half)
        var left = JSONWriter()
        left.beginObject()
        for member in (try? JSONParser.parse(answer.body))?.object?.members ?? [] where !member.name.hasPrefix("Unprocessed") {
            left.member(member.name, member.value)
        }
        left.name(operation == "BatchGetItem" ? "UnprocessedKeys" : "UnprocessedItems")
        left.value(entriesObject(table, Array(entries.dropFirst(done))))
        left.endObject()
        return AWSResponse(status: 200, body: left.bytes)
    }

    /// The answer that hands back everything from the given place on.
    func handedBack(_ from: Int) -> [UInt8] {
        guard let (table, entries) = batch else { return [] }
        var answer = JSONWriter()
        answer.beginObject()
        if operation == "BatchGetItem" { answer.member("Responses", raw: Array("{}".utf8)) }
        answer.name(operation == "BatchGetItem" ? "UnprocessedKeys" : "UnprocessedItems")
        answer.value(entriesObject(table, Array(entries.dropFirst(from))))
        answer.endObject()
        return answer.bytes
    }

    private var batch: (table: String, entries: [JSONValue])? {
        guard let member = (try? object)?["RequestItems"]?.object?.members.first else { return nil }
        return (member.name, member.value.array ?? member.value.object?["Keys"]?.array ?? [])
    }

    private func rewritten(_ table: String, _ entries: [JSONValue]) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.name("RequestItems")
        json.value(entriesObject(table, entries))
        json.endObject()
        return json.bytes
    }

    private func entriesObject(_ table: String, _ entries: [JSONValue]) -> JSONValue {
        let list = JSONValue.array(entries)
        return .object(JSONObject([(table, operation == "BatchGetItem" ? .object(JSONObject([("Keys", list)])) : list)]))
    }
}
