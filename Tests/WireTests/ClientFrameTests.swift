import ChatModel
import ChatWire
import JSONCoding
import Testing

/// What is wrong with a client's frame, if anything, as its route finds out.
private func refusal(_ text: String) -> ChatError.Code? {
    let envelope = FrameEnvelope(parsing: text)
    if let fault = envelope.fault { return fault.code }
    do throws(ChatError) {
        switch envelope.action {
        case "joinRoom": _ = try JoinRoomRequest(envelope.fields)
        case "leaveRoom": _ = try LeaveRoomRequest(envelope.fields)
        case "sendMessage": _ = try SendMessageRequest(envelope.fields)
        case "heartbeat": _ = try HeartbeatRequest(envelope.fields)
        case "refreshToken": _ = try RefreshTokenRequest(envelope.fields)
        case "online": _ = try OnlineRequest(envelope.fields)
        case "history": _ = try HistoryRequest(envelope.fields)
        default: return .unknownAction
        }
        return nil
    } catch {
        return error.code
    }
}

private func text(_ count: Int, _ unit: String = "x") -> String { "\"" + String(repeating: unit, count: count) + "\"" }

struct ClientFrameTests {
    /// By action, the members of frames that are bad requests.
    static let bad: [String: [String]] = [
        "joinRoom": [
            "", #""roomId":null"#, #""roomId":"""#, #""roomId":5"#, #""roomId":["a"]"#, #""roomId":{}"#, #""roomId":true"#,
            #""roomId":"a b""#, #""roomId":"a#b""#, #""roomId":"caf\u00e9""#, #""roomId":"a\u0000""#, "\"roomId\":\(text(129))",
            #""roomId":"a","since":-1"#, #""roomId":"a","since":"5""#, #""roomId":"a","since":1.5"#,
            #""roomId":"a","since":true"#, #""roomId":"a","since":[]"#, #""roomId":"a","since":9223372036854775808"#,
            #""roomId":"a","since":1e30"#, #""roomId":"a","epoch":5"#, "\"roomId\":\"a\",\"epoch\":\(text(129))",
        ],
        "leaveRoom": ["", #""roomId":null"#, #""roomId":7"#, #""roomId":"*""#],
        "sendMessage": [
            #""roomId":"a""#, #""roomId":"a","body":null"#, #""roomId":"a","body":5"#, #""roomId":"a","body":["hi"]"#,
            #""roomId":"a","body":{"text":"hi"}"#, #""roomId":"a","body":"""#, #""roomId":"a/b","body":"hi""#,
            #""destinationUserId":"","body":"hi""#, #""destinationUserId":5,"body":"hi""#,
            #""destinationUserId":"a\u0007","body":"hi""#, #""destinationUserId":"a\u0085","body":"hi""#,
            "\"destinationUserId\":\(text(257)),\"body\":\"hi\"", "\"destinationUserId\":\(text(129, "é")),\"body\":\"hi\"",
            #""roomId":"a","destinationUserId":"b","body":"hi""#, #""roomId":"a","everyone":true,"body":"hi""#,
            #""destinationUserId":"b","everyone":true,"body":"hi""#,
            #""roomId":"a","destinationUserId":"b","everyone":true,"body":"hi""#,
            #""everyone":"true","body":"hi""#, #""everyone":1,"body":"hi""#, #""everyone":{},"body":"hi""#,
            #""body":"hi","clientMessageId":"""#, #""body":"hi","clientMessageId":5"#,
            #""body":"hi","clientMessageId":true"#, "\"body\":\"hi\",\"clientMessageId\":\(text(129))",
            "\"body\":\"hi\",\"clientMessageId\":\(text(65, "é"))",
        ],
        "heartbeat": [#""rooms":1"#, #""rooms":"true""#, #""rooms":[]"#, #""rooms":{}"#],
        "refreshToken": ["", #""token":null"#, #""token":5"#, #""token":["a"]"#],
        "online": [
            #""roomId":"""#, #""roomId":5"#, #""limit":0"#, #""limit":-1"#, #""limit":1001"#, #""limit":"10""#,
            #""limit":10.5"#, #""limit":true"#, #""limit":1e4"#, #""next":5"#, #""next":"""#, #""next":"YQ==""#,
            #""next":"YR""#, #""next":"_w""#, #""next":"AA""#, #""next":"not base64!""#, "\"next\":\(text(344, "Y"))",
        ],
        "history": [
            "", #""roomId":null"#, #""roomId":5"#, #""roomId":"a","destinationUserId":"b""#, #""destinationUserId":"""#,
            #""roomId":"a","before":0"#, #""roomId":"a","before":-5"#, #""roomId":"a","before":"5""#,
            #""roomId":"a","before":2.5"#, #""roomId":"a","after":-1"#, #""roomId":"a","after":null,"before":false"#,
            #""roomId":"a","before":5,"after":1"#, #""roomId":"a","limit":0"#, #""roomId":"a","limit":301"#,
            #""roomId":"a","limit":"50""#, #""roomId":"a","limit":0.5"#, #""roomId":"a","before":99999999999999999999"#,
        ],
    ]

    @Test(arguments: bad.flatMap { action, frames in frames.map { (action, $0) } })
    func `a field missing, of a wrong type or out of its range is a bad request`(action: String, fields: String) {
        let frame = #"{"action":"\#(action)"\#(fields.isEmpty ? "" : ",")\#(fields)}"#
        #expect(refusal(frame) == .badRequest)
    }

    @Test(arguments: [
        #"{"action":"joinRoom","roomId":"lobby"}"#,
        #"{"action":"joinRoom","roomId":"a.b_c:d@e-F9","since":0,"epoch":"","extra":[1,{"x":null}]}"#,
        #"{"action":"joinRoom","roomId":"a","since":9223372036854775807}"#,
        #"{"action":"joinRoom","roomId":"a","since":5.0}"#, #"{"action":"joinRoom","roomId":"a","since":1e3}"#,
        #"{"action":"joinRoom","roomId":"a","since":-0}"#,
        "{\"action\":\"joinRoom\",\"roomId\":\(text(128)),\"epoch\":\(text(128))}",
        #"{"action":"leaveRoom","roomId":"a"}"#, #"{"action":"sendMessage","body":"x"}"#,
        "{\"action\":\"sendMessage\",\"destinationUserId\":\(text(256)),\"body\":\"x\"}",
        "{\"action\":\"sendMessage\",\"destinationUserId\":\(text(128, "é")),\"body\":\"x\"}",
        "{\"action\":\"sendMessage\",\"body\":\"x\",\"clientMessageId\":\(text(128))}",
        #"{"action":"sendMessage","body":"\u0000\u001f","clientMessageId":"\u0000"}"#,
        #"{"action":"heartbeat"}"#, #"{"action":"heartbeat","rooms":false}"#, #"{"action":"refreshToken","token":""}"#,
        #"{"action":"online"}"#, #"{"action":"online","limit":1}"#, #"{"action":"online","limit":1000,"next":"YQ"}"#,
        #"{"action":"history","roomId":"a","limit":1,"before":1}"#,
        #"{"action":"history","destinationUserId":"b","limit":300,"after":0}"#,
        " \r\n\t{ \"action\" : \"heartbeat\" } ",
    ])
    func `a frame at its bounds is understood`(frame: String) {
        #expect(refusal(frame) == nil)
    }

    @Test(arguments: [
        "joinRoom": #""roomId":"a","since":null,"epoch":null"#, "leaveRoom": #""roomId":"a""#,
        "sendMessage": #""roomId":null,"destinationUserId":null,"everyone":null,"body":"x","clientMessageId":null"#,
        "heartbeat": #""rooms":null"#, "online": #""roomId":null,"limit":null,"next":null"#,
        "history": #""roomId":"a","destinationUserId":null,"before":null,"after":null,"limit":null"#,
    ])
    func `null is as if absent`(action: String, fields: String) {
        #expect(refusal(#"{"action":"\#(action)","requestId":null,\#(fields)}"#) == nil)
    }

    @Test func `absent fields have their defaults`() throws {
        #expect(try OnlineRequest(JSONObject([])).limit == 100)
        #expect(try HistoryRequest(JSONObject([("roomId", .string("a"))])).limit == 50)
        #expect(try SendMessageRequest(JSONObject([("body", .string("x"))])).addressee == .onlyRoom)
        #expect(try HeartbeatRequest(JSONObject([])).rooms == false)
        let notEveryone = JSONObject([("body", .string("x")), ("everyone", .bool(false)), ("roomId", .string("a"))])
        #expect(try SendMessageRequest(notEveryone).addressee == .room(RoomID("a")!))
    }

    @Test(arguments: [
        (0, .badRequest), (1, nil), (16_383, nil), (16_384, nil), (16_385, .tooLarge), (30_000, .tooLarge),
    ] as [(Int, ChatError.Code?)])
    func `a body has 1 byte to 16 KB`(bytes: Int, code: ChatError.Code?) {
        #expect(refusal("{\"action\":\"sendMessage\",\"body\":\(text(bytes))}") == code)
    }

    @Test func `a body is counted in bytes of UTF-8, not as it was escaped`() {
        #expect(refusal("{\"action\":\"sendMessage\",\"body\":\(text(8192, "é"))}") == nil)
        #expect(refusal("{\"action\":\"sendMessage\",\"body\":\(text(8193, "é"))}") == .tooLarge)
        #expect(refusal("{\"action\":\"sendMessage\",\"body\":\(text(16_384, #"\u0041"#))}") == nil)
        #expect(refusal("{\"action\":\"sendMessage\",\"body\":\(text(4096, #"\ud83d\ude00"#))}") == nil)
        #expect(refusal("{\"action\":\"sendMessage\",\"body\":\(text(4097, #"\ud83d\ude00"#))}") == .tooLarge)
    }

    @Test(arguments: [
        "", " ", "hello", "null", "5", "\"x\"", "[]", "[{}]", "{", "{}}", #"{"action":"heartbeat",}"#,
        #"{'action':'heartbeat'}"#, #"{"action":"heartbeat"} x"#, #"{"action":"heartbeat","x":NaN}"#,
        #"{"action":"heartbeat","x":01}"#, "{\"action\":\"heartbeat\",\"x\":\"\u{1}\"}", "\u{FEFF}{}",
        #"{"action":"sendMessage","body":"\ud800"}"#, #"{"action":"sendMessage","body":"\udc00\ud800"}"#,
    ])
    func `what is no JSON object is a bad request`(frame: String) {
        let envelope = FrameEnvelope(parsing: frame)
        #expect(envelope.fault?.code == .badRequest)
        #expect(envelope.action == nil && envelope.requestID == nil && envelope.fields.members.isEmpty)
    }

    @Test func `a frame that never came is a bad request`() {
        #expect(FrameEnvelope(parsing: nil).fault?.code == .badRequest)
    }

    @Test(arguments: [
        "{}", #"{"action":null}"#, #"{"action":5}"#, #"{"action":["joinRoom"]}"#, #"{"action":""}"#, #"{"action":"shout"}"#,
        #"{"action":"joinroom","roomId":"a"}"#, #"{"Action":"heartbeat"}"#, #"{"action":"heartbeat\u0000"}"#,
    ])
    func `a missing, other or non-string action is unknown`(frame: String) {
        #expect(refusal(frame) == .unknownAction)
    }

    @Test func `a frame may nest as deep as the limit and no deeper`() {
        func nested(_ depth: Int) -> String {
            let arrays = depth - 1
            return #"{"action":"heartbeat","x":"# + String(repeating: "[", count: arrays)
                + String(repeating: "]", count: arrays) + "}"
        }
        #expect(refusal(nested(Limits.jsonDepth)) == nil)
        #expect(refusal(nested(Limits.jsonDepth + 1)) == .badRequest)
        #expect(refusal(nested(15_000)) == .badRequest)
    }

    @Test func `of duplicate members the last counts`() throws {
        let envelope = FrameEnvelope(
            parsing: #"{"action":"heartbeat","requestId":1,"roomId":"a","action":"joinRoom","roomId":"b","requestId":"two"}"#)
        #expect(envelope.action == "joinRoom")
        #expect(envelope.requestID == .text("two"))
        #expect(try JoinRoomRequest(envelope.fields).roomID == RoomID("b"))
        #expect(refusal(#"{"action":"joinRoom","roomId":"b","roomId":null}"#) == .badRequest)
    }

    @Test func `names and values are taken by their bytes`() throws {
        let composed = FrameEnvelope(parsing: #"{"destinationUserId":"caf\u00e9","body":"e\u0301"}"#)
        let request = try SendMessageRequest(composed.fields)
        #expect(request.addressee == .user(UserID("caf\u{E9}")!))
        #expect(request.addressee != .user(UserID("cafe\u{301}")!))
        #expect(Array(request.body.utf8) == [0x65, 0xCC, 0x81])
        // The Kelvin sign is canonically a K.
        #expect(refusal("{\"action\":\"refreshTo\u{212A}en\",\"token\":\"x\"}") == .unknownAction)
    }
}

struct PublishRequestTests {
    private let whole = #""tenantId":"acme","roomId":"lobby","senderId":"bot","body":"hi""#

    private func refusal(_ fields: String, tenant: String? = nil) -> ChatError.Code? {
        do throws(ChatError) {
            _ = try PublishRequest(decoding: Array("{\(fields)}".utf8), tenant: tenant.flatMap { TenantID($0) })
            return nil
        } catch {
            return error.code
        }
    }

    @Test(arguments: [
        #""roomId":"lobby","senderId":"bot","body":"hi""#, #""tenantId":null,"roomId":"lobby","senderId":"bot","body":"hi""#,
        #""tenantId":"a b","roomId":"lobby","senderId":"bot","body":"hi""#, #""tenantId":5,"roomId":"lobby","senderId":"bot","body":"hi""#,
        #""tenantId":"acme","senderId":"bot","body":"hi""#, #""tenantId":"acme","roomId":"lobby","body":"hi""#,
        #""tenantId":"acme","roomId":"lobby","senderId":"","body":"hi""#, #""tenantId":"acme","roomId":"lobby","senderId":"bot""#,
        #""tenantId":"acme","roomId":"lobby","everyone":true,"senderId":"bot","body":"hi""#,
        #""tenantId":"acme","everyone":false,"senderId":"bot","body":"hi""#,
        #""tenantId":"acme","roomId":"lobby","senderId":"bot","body":"hi","clientMessageId":"""#,
    ])
    func `an event with a fault is a bad request`(fields: String) {
        #expect(refusal(fields) == .badRequest)
    }

    @Test func `an event that is no object is a bad request`() {
        #expect(throws: ChatError.self) { try PublishRequest(decoding: Array("[]".utf8)) }
    }

    @Test func `a tenant named outside may be left out inside, and no other named`() {
        #expect(refusal(whole) == nil)
        #expect(refusal(whole, tenant: "acme") == nil)
        #expect(refusal(whole, tenant: "other") == .badRequest)
        #expect(refusal(#""everyone":true,"senderId":"bot","body":"hi""#, tenant: "acme") == nil)
        #expect(refusal(#""tenantId":"a b","everyone":true,"senderId":"bot","body":"hi""#, tenant: "acme") == .badRequest)
    }

    @Test func `a body too large is too large here too`() {
        #expect(refusal(#""tenantId":"acme","roomId":"a","senderId":"bot","body":\#(text(16_385))"#) == .tooLarge)
    }
}
