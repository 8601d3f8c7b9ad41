import ChatStore
import JSONCoding
import Testing

@testable import DynamoTable

/// What is sent, byte for byte: one call has one text.
@Suite struct DynamoRequestTests {
    let caller = ScriptedCaller(.success(#"{"Items":[]}"#))
    var table: DynamoTable { DynamoTable(caller) }
    static let key = Key("P", "S")
    static let old = #""ReturnValuesOnConditionCheckFailure":"ALL_OLD""#

    @Test func `reads`() async throws {
        _ = try await table.get(Self.key, strong: true)
        _ = try await table.get(Self.key, strong: false)
        #expect(caller.requests == [
            #"GetItem {"TableName":"T","Key":{"PK":{"S":"P"},"SK":{"S":"S"}},"ConsistentRead":true}"#,
            #"GetItem {"TableName":"T","Key":{"PK":{"S":"P"},"SK":{"S":"S"}}}"#,
        ])
    }

    @Test func `an item with every type, and its condition`() async throws {
        let item = Item(
            Self.key, gsi1: Key("A", "1"), gsi2: Key("B", "2"),
            ["text": .string("\"é\n"), "n": .number(.min), "set": .strings(["b", "a"])])
        try await table.put(item, if: nil)
        try await table.put(Item(Self.key), if: .itemAbsent)
        #expect(caller.requests == [
            #"PutItem {"TableName":"T","Item":{"PK":{"S":"P"},"SK":{"S":"S"},"GSI1PK":{"S":"A"},"GSI1SK":{"S":"1"},"#
                + #""GSI2PK":{"S":"B"},"GSI2SK":{"S":"2"},"n":{"N":"-9223372036854775808"},"set":{"SS":["a","b"]},"text":{"S":"\"é\n"}}}"#,
            #"PutItem {"TableName":"T","Item":{"PK":{"S":"P"},"SK":{"S":"S"}},"ConditionExpression":"attribute_not_exists(PK)",\#(Self.old)}"#,
        ])
    }

    @Test func `an update's clauses, each name and value once`() async throws {
        let update = Update(
            Self.key,
            [.remove("r"), .set("a", .number(1)), .insert("s", ["x"]), .set("name", .string("x")), .delete("d", ["y"]), .set("b", .number(1))],
            if: .all([.equals("a", .number(1)), .contains("s", "x")]))
        _ = try await table.update(update, returning: .nothing)
        _ = try await table.update(Update(Self.key, [.remove("r")]), returning: .after)
        _ = try await table.update(Update(Self.key, []), returning: .before)
        let key = #""TableName":"T","Key":{"PK":{"S":"P"},"SK":{"S":"S"}}"#
        #expect(caller.requests == [
            ##"UpdateItem {\##(key),"UpdateExpression":"SET #1 = :0, #3 = :2, #5 = :0 ADD #2 :1 DELETE #4 :3 REMOVE #0","##
                + ##""ConditionExpression":"#1 = :0 AND attribute_type(#2, :4) AND contains(#2, :2)",\##(Self.old),"##
                + ##""ExpressionAttributeNames":{"#0":"r","#1":"a","#2":"s","#3":"name","#4":"d","#5":"b"},"##
                + #""ExpressionAttributeValues":{":0":{"N":"1"},":1":{"SS":["x"]},":2":{"S":"x"},":3":{"SS":["y"]},":4":{"S":"SS"}}}"#,
            ##"UpdateItem {\##(key),"UpdateExpression":"REMOVE #0","ExpressionAttributeNames":{"#0":"r"},"ReturnValues":"ALL_NEW"}"##,
            #"UpdateItem {\#(key),"ReturnValues":"ALL_OLD"}"#,
        ])
    }

    @Test(arguments: [
        (.itemExists, "attribute_exists(PK)"), (.itemAbsent, "attribute_not_exists(PK)"),
        (.exists("a"), "attribute_exists(#0)"), (.absent("a"), "attribute_not_exists(#0)"),
        (.equals("a", .string("x")), "#0 = :0"), (.atMost("a", 1), "#0 <= :0"), (.atLeast("a", 1), "#0 >= :0"),
        (.contains("a", "x"), "attribute_type(#0, :1) AND contains(#0, :0)"),
        (.sizeEquals("a", 1), "attribute_type(#0, :1) AND size(#0) = :0"),
        (.not(.sizeBelow("a", 1)), "NOT (attribute_type(#0, :1) AND size(#0) < :0)"),
        (.not(.not(.exists("a"))), "attribute_exists(#0)"), (.not(.equals("a", .number(1))), "NOT #0 = :0"),
        (.all([.exists("a")]), "attribute_exists(#0)"), (.any([.all([.any([.exists("a")])])]), "attribute_exists(#0)"),
        (.all([.exists("a"), .any([.absent("b"), .exists("c")])]), "attribute_exists(#0) AND (attribute_not_exists(#1) OR attribute_exists(#2))"),
        (.any([.absent("a"), .sizeBelow("a", 1)]), "attribute_not_exists(#0) OR (attribute_type(#0, :1) AND size(#0) < :0)"),
        (.all([.all([.exists("a"), .exists("b")]), .exists("c")]), "attribute_exists(#0) AND attribute_exists(#1) AND attribute_exists(#2)"),
        (.not(.all([.exists("a"), .exists("b")])), "NOT (attribute_exists(#0) AND attribute_exists(#1))"),
        (.not(.all([.not(.exists("a"))])), "NOT (NOT attribute_exists(#0))"),
        (.all([]), "attribute_exists(PK) OR attribute_not_exists(PK)"), (.any([]), "attribute_exists(PK) AND attribute_not_exists(PK)"),
        (.all([.all([]), .exists("a")]), "(attribute_exists(PK) OR attribute_not_exists(PK)) AND attribute_exists(#0)"),
    ] as [(Condition, String)])
    func `conditions`(condition: Condition, text: String) {
        var expressions = Expressions()
        #expect(expressions.condition(condition) == text)
    }

    @Test func `no sum of an update passes 64 bits unseen`() async throws {
        _ = try await table.update(Update(Self.key, [.add("n", 2)], if: .exists("n")), returning: .nothing)
        #expect(caller.requests[0].contains(
            ##""UpdateExpression":"ADD #0 :0","ConditionExpression":"attribute_exists(#0) AND (attribute_not_exists(#0) OR #0 <= :1)""##))
        #expect(caller.requests[0].contains(#"":1":{"N":"9223372036854775805"}"#))
    }

    @Test(arguments: [
        (.all, "PK = :0", ""), (.prefix("a"), "PK = :0 AND begins_with(SK, :1)", #",":1":{"S":"a"}"#),
        (.between("a", "b"), "PK = :0 AND SK BETWEEN :1 AND :2", #",":1":{"S":"a"},":2":{"S":"b"}"#),
        (.above("a"), "PK = :0 AND SK > :1", #",":1":{"S":"a"}"#), (.below("a"), "PK = :0 AND SK < :1", #",":1":{"S":"a"}"#),
    ] as [(SortKeyRange, String, String)])
    func `ranges of a query`(range: SortKeyRange, text: String, values: String) async throws {
        _ = try await table.query(Query(pk: "P", range))
        #expect(caller.requests == [
            #"Query {"TableName":"T","KeyConditionExpression":"\#(text)","ExpressionAttributeValues":{":0":{"S":"P"}\#(values)}}"#
        ])
    }

    @Test func `a query of an index, backwards, from a cursor; a strong one`() async throws {
        let after = Cursor(key: Key("p", "s"), index: Key("P", "i"))
        _ = try await table.query(Query(.gsi2, pk: "P", ascending: false, limit: 7, after: after))
        _ = try await table.query(Query(pk: "P", strong: true, after: Cursor(key: Key("P", "s"))))
        let values = #""ExpressionAttributeValues":{":0":{"S":"P"}}"#
        #expect(caller.requests == [
            #"Query {"TableName":"T","IndexName":"GSI2","KeyConditionExpression":"GSI2PK = :0",\#(values),"ScanIndexForward":false,"Limit":7,"#
                + #""ExclusiveStartKey":{"PK":{"S":"p"},"SK":{"S":"s"},"GSI2PK":{"S":"P"},"GSI2SK":{"S":"i"}}}"#,
            #"Query {"TableName":"T","KeyConditionExpression":"PK = :0",\#(values),"ConsistentRead":true,"#
                + #""ExclusiveStartKey":{"PK":{"S":"P"},"SK":{"S":"s"}}}"#,
        ])
    }

    @Test func `a query that wants little asks for no more`() async throws {
        _ = try await table.query(Query(pk: "P", .prefix("a"), strong: true, wanted: ["userId"]))
        #expect(caller.requests == [
            ##"Query {"TableName":"T","KeyConditionExpression":"PK = :0 AND begins_with(SK, :1)","ProjectionExpression":"PK,SK,#0","##
                + ##""ExpressionAttributeNames":{"#0":"userId"},"ExpressionAttributeValues":{":0":{"S":"P"},":1":{"S":"a"}},"ConsistentRead":true}"##
        ])
    }

    @Test func `a transaction, with a token of its own each time`() async throws {
        let actions: [TransactAction] = [
            .put(Item(Self.key), if: nil), .update(Update(Key("P", "u"), [.set("a", .number(1))])),
            .delete(Key("P", "d"), if: nil), .check(Key("P", "c"), if: .itemExists),
        ]
        try await table.transact(actions)
        try await table.transact(actions)
        let texts = caller.requests.map { $0.replacing(/"ClientRequestToken":"[0-9a-f]{32}"/, with: "TOKEN") }
        func key(_ sk: String) -> String { #""TableName":"T","Key":{"PK":{"S":"P"},"SK":{"S":"\#(sk)"}}"# }
        let expected = #"TransactWriteItems {TOKEN,"TransactItems":[{"Put":{"TableName":"T","Item":{"PK":{"S":"P"},"SK":{"S":"S"}}}},"#
            + ##"{"Update":{\##(key("u")),"UpdateExpression":"SET #0 = :0","ExpressionAttributeNames":{"#0":"a"},"##
            + #""ExpressionAttributeValues":{":0":{"N":"1"}}}},"#
            + #"{"Delete":{\#(key("d"))}},{"ConditionCheck":{\#(key("c")),"ConditionExpression":"attribute_exists(PK)",\#(Self.old)}}]}"#
        #expect(texts == [expected, expected])
        #expect(caller.requests[0] != caller.requests[1])
    }

    @Test func `a batch is written by 25, and by fewer when a call would be too long`() {
        let small = (0..<60).map { BatchWrite.delete(Key("P", "\($0)")) }
        #expect(DynamoTable.chunks(of: small).map(\.count) == [25, 25, 10])
        #expect(DynamoTable.chunks(of: small).flatMap { $0 } == small)
        // Each control character is six bytes in a request.
        let large = (0..<25).map { BatchWrite.put(Item(Key("P", "\($0)"), ["a": .string(String(repeating: "\0", count: 400_000))])) }
        let chunks = DynamoTable.chunks(of: large)
        #expect(chunks.flatMap { $0 } == large)
        for chunk in chunks {
            var json = JSONWriter()
            for write in chunk { json.write(write) }
            #expect(json.bytes.count <= 16 << 20)
        }
        #expect(chunks.count == 5)
    }

    @Test func `what DynamoDB refuses is refused before a call`() async throws {
        let table = table
        #expect(await attempt { _ = try await table.get(Key("", "s"), strong: true) }?.isInvalid == true)
        #expect(await attempt { _ = try await table.query(Query(.gsi1, pk: "P", strong: true)) }?.isInvalid == true)
        #expect(await attempt { try await table.transact([.update(Update(Self.key, []))]) }?.isInvalid == true)
        #expect(try await table.get([Key](), strong: true).isEmpty)
        try await table.write([])
        #expect(caller.requests.isEmpty)
    }
}
