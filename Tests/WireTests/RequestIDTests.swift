import ChatModel
import ChatWire
import JSONCoding
import Testing

struct RequestIDTests {
    /// The reply's `requestId` as it is written, quotes and all.
    private func echo(_ written: String) -> String? {
        let envelope = FrameEnvelope(parsing: #"{"action":"leaveRoom","requestId":\#(written)}"#)
        guard envelope.fault == nil else { return nil }
        let reply = String(decoding: ServerFrame.left(RoomID("a")!, envelope.requestID), as: UTF8.self)
        let head = #"{"type":"left""#
        let tail = #","roomId":"a"}"#
        guard reply.hasPrefix(head), reply.hasSuffix(tail) else { return reply }
        return String(reply.dropFirst(head.count).dropLast(tail.count))
    }

    @Test(arguments: [
        "0", "7", "-1", "1.50", "12345678901234567890", "1e5", "1E+05", "-0.0", "0.1", "99999999999999999999999999.25",
        String(repeating: "9", count: 128), #""""#, #""r-1""#, #""12""#, #""é 👋""#, "\"" + String(repeating: "x", count: 128) + "\"",
        "\"" + String(repeating: "é", count: 64) + "\"", #""a\"b\\c\n""#,
    ])
    func `a request id is echoed as the text received`(written: String) {
        #expect(echo(written) == #","requestId":\#(written)"#)
    }

    @Test func `no request id is echoed where none or null came`() {
        #expect(echo("null") == "")
    }

    @Test(arguments: [
        "true", "false", "[]", "[1]", "{}", String(repeating: "9", count: 129), "0." + String(repeating: "0", count: 127),
        "\"" + String(repeating: "x", count: 129) + "\"", "\"" + String(repeating: "é", count: 65) + "\"",
    ])
    func `any other request id is a bad request and is not echoed`(written: String) {
        let envelope = FrameEnvelope(parsing: #"{"action":"heartbeat","requestId":\#(written)}"#)
        #expect(envelope.fault?.code == .badRequest)
        #expect(envelope.requestID == nil)
        #expect(envelope.action == "heartbeat")
    }

    @Test func `an action too long is not repeated`() {
        let long = String(repeating: "a", count: 129)
        #expect(FrameEnvelope(parsing: #"{"action":"\#(long)"}"#).echoedAction == nil)
        #expect(FrameEnvelope(parsing: #"{"action":"\#(long.dropLast())"}"#).echoedAction?.count == 128)
        #expect(FrameEnvelope(parsing: "{}").echoedAction == nil)
    }
}
