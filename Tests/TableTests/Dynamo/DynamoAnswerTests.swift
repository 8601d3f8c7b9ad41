import AWSClient
import ChatStore
import Testing

@testable import DynamoTable

/// Answers that DynamoDB gives, and those that it never should.
@Suite struct DynamoAnswerTests {
    static let key = Key("P", "S")

    static func answer(_ attributes: String) -> String { #"{"Item":{"PK":{"S":"P"},"SK":{"S":"S"}\#(attributes)}}"# }

    @Test func `an item is read, however its numbers are written`() async throws {
        let text = Self.answer(#","n":{"N":"1E+3"},"m":{"N":"-9223372036854775808"},"s":{"S":"é\u0000"},"set":{"SS":["b","a"]},"GSI1SK":{"S":"2"},"GSI1PK":{"S":"1"}"#)
        let item = try await DynamoTable(ScriptedCaller(.success(text))).get(Self.key, strong: true)
        #expect(item == Item(Self.key, gsi1: Key("1", "2"), [
            "n": .number(1000), "m": .number(.min), "s": .string("é\0"), "set": .strings(["a", "b"]),
        ]))
        #expect(try await DynamoTable(ScriptedCaller()).get(Self.key, strong: true) == nil)
    }

    @Test(arguments: [
        answer(#","secret":{"B":"c2VjcmV0"}"#), answer(#","a":{"NS":["1"]}"#), answer(#","a":{"BOOL":true}"#), answer(#","a":{"NULL":true}"#),
        answer(#","a":{"L":[]}"#), answer(#","a":{"M":{}}"#), answer(#","a":{"N":"1.5"}"#), answer(#","a":{"N":"9223372036854775808"}"#),
        answer(#","a":{"N":7}"#), answer(#","a":{"S":"secret value","N":"1"}"#), answer(#","a":"secret value""#), answer(#","a":{"SS":[1]}"#),
        answer(#","a":{"N":"secret value"}"#), answer(#","GSI1PK":{"S":"secret value"}"#), answer(#","GSI2PK":{"N":"1"}"#),
        #"{"Item":{"PK":{"S":"secret value"}}}"#, #"{"Item":{}}"#, #"{"Item":"secret value"}"#, "<html>secret value</html>", "[]", "", "{",
    ])
    func `a broken answer is unavailable, and says what without contents`(text: String) async throws {
        let table = DynamoTable(ScriptedCaller(.success(text)))
        let reason = await attempt { _ = try await table.get(Self.key, strong: true) }?.unavailability
        #expect(reason?.contains("answer") == true, "\(reason ?? "no error")")
        #expect(reason?.contains("secret value") == false)
    }

    @Test(arguments: ["<html>", "[]", ""]) func `a write is done only if DynamoDB says so`(text: String) async throws {
        let table = DynamoTable(ScriptedCaller(.success(text)))
        #expect(await attempt { try await table.put(Item(Self.key), if: nil) }?.unavailability != nil)
        #expect(await attempt { try await table.transact([.put(Item(Self.key), if: nil)]) }?.unavailability != nil)
        #expect(await attempt { try await table.write([.put(Item(Self.key))]) }?.unavailability != nil)
    }

    @Test func `a page may be empty and have a next`() async throws {
        let text = #"{"Items":[],"LastEvaluatedKey":{"PK":{"S":"p"},"SK":{"S":"s"},"GSI1PK":{"S":"P"},"GSI1SK":{"S":"i"}}}"#
        let page = try await DynamoTable(ScriptedCaller(.success(text))).query(Query(.gsi1, pk: "P"))
        #expect(page == Page(items: [], next: Cursor(key: Key("p", "s"), index: Key("P", "i"))))
    }

    @Test(arguments: [
        #"{}"#, #"{"Items":{}}"#, #"{"Items":[{}]}"#, #"{"Items":[],"LastEvaluatedKey":{}}"#,
        #"{"Items":[],"LastEvaluatedKey":{"PK":{"S":"p"},"SK":{"S":"s"}}}"#,
    ])
    func `a broken page is unavailable`(text: String) async throws {
        let table = DynamoTable(ScriptedCaller(.success(text)))
        #expect(await attempt { _ = try await table.query(Query(.gsi1, pk: "P")) }?.unavailability != nil)
    }

    @Test(arguments: [
        #"{}"#, #"{"Responses":{},"UnprocessedKeys":{"T":{"Keys":[{"PK":{"S":"other"},"SK":{"S":"S"}}]}}}"#,
        #"{"Responses":{},"UnprocessedKeys":{"T":{"Keys":[{}]}}}"#, #"{"Responses":{"T":[{"PK":{"S":"P"}}]}}"#,
    ])
    func `a broken batch is unavailable`(text: String) async throws {
        let table = DynamoTable(ScriptedCaller(.success(text)))
        #expect(await attempt { _ = try await table.get([Self.key], strong: true) }?.unavailability != nil)
    }

    @Test func `what a call consumed is told, table and indexes apart`() async throws {
        let answers = [
            #"{"ConsumedCapacity":{"TableName":"T","CapacityUnits":0.5,"Table":{"CapacityUnits":0.5}}}"#,
            #"{"ConsumedCapacity":{"TableName":"T","CapacityUnits":3,"Table":{"CapacityUnits":1},"GlobalSecondaryIndexes":{"GSI1":{"CapacityUnits":2}}}}"#,
            #"{"ConsumedCapacity":[{"TableName":"T","CapacityUnits":5,"WriteCapacityUnits":4,"GlobalSecondaryIndexes":{"GSI2":{"WriteCapacityUnits":1,"CapacityUnits":1}}}]}"#,
            #"{}"#,
        ]
        let heard = Heard()
        let caller = ScriptedCaller { number, _ in .success(answers[number]) }
        let table = DynamoTable(caller, onCapacity: heard.note)
        _ = try await table.get(Self.key, strong: false)
        try await table.put(Item(Self.key), if: nil)
        try await table.transact([.put(Item(Self.key), if: nil)])
        try await table.put(Item(Self.key), if: nil)
        #expect(heard.all == [
            ConsumedCapacity(operation: "GetItem", table: .init(read: 0.5)),
            ConsumedCapacity(operation: "PutItem", table: .init(write: 1), indexes: ["GSI1": .init(write: 2)]),
            ConsumedCapacity(operation: "TransactWriteItems", table: .init(write: 4), indexes: ["GSI2": .init(write: 1)]),
        ])
        #expect(caller.requests.allSatisfy { $0.hasSuffix(#""ReturnConsumedCapacity":"INDEXES"}"#) })
    }
}
