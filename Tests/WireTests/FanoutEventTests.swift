import ChatModel
import ChatWire
import JSONCoding
import Testing

struct FanoutEventTests {
    private func decode(_ json: String) throws(EventError) -> FanoutEvent { try FanoutEvent(decoding: Array(json.utf8)) }

    @Test(arguments: [
        "", "x", "null", "[]", "{}", #"{"Records":null}"#, #"{"Records":[null]}"#, #"{"Records":[{}]}"#,
        #"{"Records":[{"messageId":""}]}"#, #"{"Records":[{"messageId":5}]}"#,
        #"{"Records":[{"messageId":"a","body":"{}"},{"eventName":"REMOVE"}]}"#,
    ])
    func `what cannot be reported one by one is refused as a whole`(json: String) {
        #expect(throws: EventError.self) { try decode(json) }
    }

    @Test func `a batch may be empty`() throws {
        #expect(try decode(#"{"Records":[]}"#).records.isEmpty)
    }

    @Test(arguments: [
        (#""5""#, 5), (#""x""#, 1), ("null", 1), ("7", 1),
    ])
    func `a count that is not given is one`(count: String, expected: Int) throws {
        let event = try decode(#"{"Records":[{"messageId":"a","attributes":{"ApproximateReceiveCount":\#(count)}}]}"#)
        #expect(event.records[0].receiveCount == expected)
        #expect(event.records[0].shard == .failure(EventError("body is missing")))
    }

    @Test(arguments: [
        ("", "the shard"), ("null", "the shard"), ("[]", "the shard"), ("{}", "v is"), (#"{"v":2}"#, "v is"), (#"{"v":"1"}"#, "v is"),
        (#"{"v":1}"#, "frame"), (#"{"v":1,"frame":""}"#, "frame"), (#"{"v":1,"frame":"é"}"#, "frame"), (#"{"v":1,"frame":"eA"}"#, "frame"),
        (#"{"v":1,"frame":"eA=="}"#, "connections"), (#"{"v":1,"frame":"eA==","connections":"a"}"#, "connections"),
        (#"{"v":1,"frame":"eA==","connections":["a",5]}"#, "connections"), (#"{"v":1,"frame":"eA==","connections":["a b"]}"#, "connections"),
    ])
    func `a malformed shard names the field`(body: String, field: String) {
        #expect { try FanoutShard(decoding: body) } throws: { error in
            (error as? EventError)?.message.hasPrefix(field) == true
        }
    }

    @Test func `a frame larger than a connection takes is malformed`() {
        let most = FanoutShard(frame: Array(repeating: 0x61, count: Limits.messageBytes), connections: [])
        #expect((try? FanoutShard(decoding: String(decoding: most.encoded(), as: UTF8.self))) == most)
        let more = FanoutShard(frame: most.frame + [0x61], connections: [])
        #expect((try? FanoutShard(decoding: String(decoding: more.encoded(), as: UTF8.self))) == nil)
    }

    @Test func `what was written is read the same, whatever the bytes`() throws {
        let names = ["L0SM9cOFvHcCIhw=", #"quote"back\slash"#, String(repeating: "~", count: 128)]
        let shard = FanoutShard(frame: Array(0...255) + Array(0...255), connections: names.compactMap { ConnectionID($0) })
        let text = String(decoding: shard.encoded(), as: UTF8.self)
        #expect(text.utf8.allSatisfy { (0x20...0x7E).contains($0) })
        #expect(try FanoutShard(decoding: text) == shard)
    }
}
