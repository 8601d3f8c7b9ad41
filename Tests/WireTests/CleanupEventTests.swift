import ChatWire
import Testing

struct CleanupEventTests {
    private func decode(_ json: String) throws(EventError) -> CleanupEvent {
        try CleanupEvent(decoding: Array(json.utf8))
    }

    @Test(arguments: ["{}", #"{"Records":null}"#, #"{"Records":"x"}"#, #"{"records":[]}"#, "null", "[]", "5"])
    func `an event without a list of records is a sweep`(json: String) throws {
        #expect(try decode(json) == .sweep)
    }

    @Test(arguments: ["", "{", "x"])
    func `what is no JSON is no event`(json: String) {
        #expect(throws: EventError.self) { try decode(json) }
    }

    @Test(arguments: [
        (#"{"eventName":"REMOVE","userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"}}"#, true),
        (#"{"eventName":"REMOVE"}"#, false),
        (#"{"eventName":"REMOVE","userIdentity":null}"#, false),
        (#"{"eventName":"REMOVE","userIdentity":{"type":"Service","principalId":"lambda.amazonaws.com"}}"#, false),
        (#"{"eventName":"REMOVE","userIdentity":{"type":"User","principalId":"dynamodb.amazonaws.com"}}"#, false),
        (#"{"eventName":"MODIFY","userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"}}"#, false),
        ("{}", false), ("null", false),
    ])
    func `an expiry is a removal by the table's TTL`(record: String, isExpiry: Bool) throws {
        guard case .records(let records) = try decode(#"{"Records":[\#(record)]}"#) else {
            Issue.record("not read as records")
            return
        }
        #expect(records.map(\.isExpiry) == [isExpiry])
    }

    @Test func `attributes of types that are not used are left out`() throws {
        let image = #"{"s":{"S":"x"},"n":{"N":"-5"},"ss":{"SS":["a","b"]},"f":{"N":"1.5"},"b":{"BOOL":true},"l":{"L":[]},"x":5}"#
        guard case .records(let records) = try decode(#"{"Records":[{"dynamodb":{"OldImage":\#(image)}}]}"#) else {
            Issue.record("not read as records")
            return
        }
        #expect(records[0].oldImage == ["s": .string("x"), "n": .number(-5), "ss": .strings(["a", "b"])])
    }

    @Test func `failures are named by their sequence numbers`() {
        #expect(String(decoding: batchFailures([]), as: UTF8.self) == #"{"batchItemFailures":[]}"#)
        #expect(
            String(decoding: batchFailures(["1", "2"]), as: UTF8.self)
                == #"{"batchItemFailures":[{"itemIdentifier":"1"},{"itemIdentifier":"2"}]}"#)
    }
}
