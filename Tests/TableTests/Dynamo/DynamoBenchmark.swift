import ChatStore
import Foundation
import Testing

@testable import DynamoTable

/// What a call costs beside the network: writing the request and reading the answer. Run with
/// `MUSTER_BENCHMARK=1 swift test -c release -Xswiftc -enable-testing --filter DynamoBenchmark`.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["MUSTER_BENCHMARK"] != nil))
struct DynamoBenchmark {
    func measure(_ name: String, _ count: Int, _ body: () async throws -> Void) async throws {
        for _ in 0..<count / 10 { try await body() }
        let began = clock()
        for _ in 0..<count { try await body() }
        print("\(name): \(Double(clock() - began) / Double(count) * 1_000_000 / Double(CLOCKS_PER_SEC)) µs of CPU")
    }

    /// A message of 200 bytes with a `clientMessageId`: the message, what remembers it, and the head.
    @Test func `the transaction of a message`() async throws {
        let table = DynamoTable(caller: AnsweringCaller("{}"), name: "muster")
        let room = "ROOM#acme#lobby"
        let message = Item(
            Key(room, "MSG#0000000000001234"),
            [
                "v": .number(1), "messageId": .string("01JD3X8K7QZ5W9V2T4R6N8M0PA"), "seq": .number(1234), "senderId": .string("alice"),
                "body": .string(String(repeating: "hello ", count: 33)), "sentAt": .number(1_763_732_240_123),
            ])
        let sent = Item(
            Key("SENT#ROOM#acme#lobby#alice", "ID#8c6d1f6e-0d0f-4b5e-9a55-000000000000"),
            [
                "v": .number(1), "messageId": .string("01JD3X8K7QZ5W9V2T4R6N8M0PA"), "seq": .number(1234),
                "sentAt": .number(1_763_732_240_123), "expiresAt": .number(1_763_732_841),
            ])
        let actions: [TransactAction] = [
            .put(message, if: .itemAbsent), .put(sent, if: .any([.itemAbsent, .atMost("sentAt", 1_763_731_640_123)])),
            .update(Update(Key(room, "META"), [.set("seq", .number(1234))], if: .equals("seq", .number(1233)))),
        ]
        try await measure("transaction of a message", 20_000) { try await table.transact(actions) }
    }

    @Test func `a page of 100 members`() async throws {
        let items = (0..<100).map { number in
            """
            {"SK":{"S":"CONN#Kf0aBcDeFgHiJkLm\(number)="},"PK":{"S":"ROOM#acme#lobby"},"GSI1PK":{"S":"CONN#Kf0aBcDeFgHiJkLm\(number)="},\
            "GSI1SK":{"S":"ROOM#acme#lobby"},"v":{"N":"1"},"tenantId":{"S":"acme"},"userId":{"S":"user-\(number)"},"joinedAt":{"N":"1763732240123"}}
            """
        }
        let table = DynamoTable(caller: AnsweringCaller(#"{"Count":100,"Items":[\#(items.joined(separator: ","))],"ScannedCount":100}"#), name: "muster")
        let query = Query(pk: "ROOM#acme#lobby", .prefix("CONN#"), strong: true)
        try await measure("page of 100 members", 5_000) {
            let page = try await table.query(query)
            #expect(page.items.count == 100)
        }
    }

    /// What every frame begins with.
    @Test func `a batch of a connection and a head`() async throws {
        let connection = #"{"PK":{"S":"CONN#Kf0aBcDeFgHiJkLm="},"SK":{"S":"META"},"GSI1PK":{"S":"USER#acme#alice"},"GSI1SK":{"S":"CONN#Kf0aBcDeFgHiJkLm="},"# +
            #""GSI2PK":{"S":"TENANT#acme#7"},"GSI2SK":{"S":"USER#alice#CONN#Kf0aBcDeFgHiJkLm="},"v":{"N":"1"},"connectionId":{"S":"Kf0aBcDeFgHiJkLm="},"# +
            #""tenantId":{"S":"acme"},"userId":{"S":"alice"},"connectedAt":{"N":"1763732240123"},"lastSeen":{"N":"1763732240123"},"expiresAt":{"N":"1763732840"},"# +
            #""tokenExpiresAt":{"N":"1763742840"},"wheelMinute":{"N":"29395547"},"rooms":{"SS":["lobby","team-a"]}}"#
        let head = #"{"PK":{"S":"ROOM#acme#lobby"},"SK":{"S":"META"},"seq":{"N":"1233"},"epoch":{"S":"72yfabc"},"tenantId":{"S":"acme"},"roomId":{"S":"lobby"},"createdAt":{"N":"1763732240123"},"v":{"N":"1"}}"#
        let table = DynamoTable(caller: AnsweringCaller(#"{"Responses":{"muster":[\#(connection),\#(head)]},"UnprocessedKeys":{}}"#), name: "muster")
        let keys = [Key("CONN#Kf0aBcDeFgHiJkLm=", "META"), Key("ROOM#acme#lobby", "META")]
        try await measure("batch of two", 20_000) { _ = try await table.get(keys, strong: true) }
    }
}
