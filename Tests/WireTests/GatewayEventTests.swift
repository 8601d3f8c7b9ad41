import ChatModel
import ChatWire
import JSONCoding
import Testing

struct GatewayEventTests {
    private func decode(_ json: String) throws(EventError) -> GatewayEvent {
        try GatewayEvent(decoding: Array(json.utf8))
    }

    private func full() -> GatewayEvent {
        var context = GatewayEvent.Context(connectionID: "c=", routeKey: "$disconnect")
        context.eventType = .disconnect
        context.requestID = "r"
        context.extendedRequestID = "x"
        context.messageID = "m"
        context.stage = "local"
        context.domainName = "localhost:8080"
        context.apiID = "local"
        context.connectedAt = Timestamp(milliseconds: 1)
        context.requestTime = Timestamp(milliseconds: 1_795_268_240_123)
        context.sourceIP = "::1"
        context.userAgent = "a \"quoted\" agent"
        context.authorizer = ["userId": "b\u{E9}a", "tenantId": "acme"]
        context.disconnectStatusCode = 1001
        context.disconnectReason = "Going away"
        var event = GatewayEvent(context, body: "line\nand \u{1F600} and \u{1}")
        event.headers = [("Host", "localhost"), ("X-Two", "1"), ("X-Two", "2"), ("Empty", "")]
        event.query = [("token", "a"), ("token", "b"), ("q", "a b&c=d")]
        return event
    }

    @Test func `an event with everything is read as it was written`() throws {
        #expect(try GatewayEvent(decoding: full().encoded()) == full())
    }

    @Test func `an event is written with AWS's own names`() throws {
        let root = try #require(try JSONParser.parse(full().encoded()).object)
        let context = try #require(root["requestContext"]?.object)
        #expect(context["requestTime"] == .string("21/Nov/2026:13:37:20 +0000"))
        #expect(context["requestTimeEpoch"]?.int64 == 1_795_268_240_123)
        #expect(context["messageDirection"] == .string("IN"))
        #expect(context["identity"]?.object?["sourceIp"] == .string("::1"))
        #expect(context["disconnectStatusCode"]?.int64 == 1001)
        #expect(root["headers"]?.object?["X-Two"] == .string("2"))
        #expect(root["multiValueHeaders"]?.object?["X-Two"] == .array([.string("1"), .string("2")]))
        #expect(root["queryStringParameters"]?.object?["token"] == .string("b"))
        #expect(root["isBase64Encoded"] == .bool(false))
    }

    @Test func `what an event lacks is not written`() throws {
        let event = GatewayEvent(GatewayEvent.Context(connectionID: "c", routeKey: "online"))
        let root = try #require(try JSONParser.parse(event.encoded()).object)
        #expect(root.members.map(\.name) == ["requestContext", "isBase64Encoded"])
        #expect(root["requestContext"]?.object?.members.map(\.name) == ["routeKey", "connectionId"])
    }

    @Test func `names are told apart by their bytes`() throws {
        var event = GatewayEvent(GatewayEvent.Context(connectionID: "c", routeKey: "$connect"))
        event.query = [("caf\u{E9}", "composed"), ("cafe\u{301}", "decomposed")]
        let again = try GatewayEvent(decoding: event.encoded())
        #expect(again.query.map(\.value) == ["composed", "decomposed"])
        #expect(again.queryParameter("caf\u{E9}") == "composed")
        #expect(again.queryParameter("cafe\u{301}") == "decomposed")
    }

    @Test(arguments: [
        "", "null", "[]", "{", "{}", #"{"requestContext":null}"#, #"{"requestContext":[]}"#,
        #"{"requestContext":{"routeKey":"$connect"}}"#, #"{"requestContext":{"connectionId":"c"}}"#,
        #"{"requestContext":{"connectionId":5,"routeKey":"$connect"}}"#,
        #"{"requestContext":{"connectionId":"c","routeKey":null}}"#,
        #"{"requestContext":{"connectionId":"c","routeKey":"r"},"body":"%%%","isBase64Encoded":true}"#,
        #"{"requestContext":{"connectionId":"c","routeKey":"r"},"body":"/w==","isBase64Encoded":true}"#,
    ])
    func `what is no event is refused`(json: String) {
        #expect(throws: EventError.self) { try decode(json) }
    }

    @Test func `every other field may be missing, null or of another type`() throws {
        let event = try decode(
            #"""
            {"headers":null,"multiValueHeaders":[],"queryStringParameters":"x","multiValueQueryStringParameters":{"a":null},
             "body":null,"isBase64Encoded":"no","requestContext":{"connectionId":"c","routeKey":"r","eventType":"OTHER",
             "connectedAt":"then","requestTimeEpoch":1.5,"identity":null,"authorizer":"x","disconnectStatusCode":"1005"}}
            """#)
        #expect(event == GatewayEvent(GatewayEvent.Context(connectionID: "c", routeKey: "r")))
    }

    @Test func `single values serve where there are no lists of them`() throws {
        let event = try decode(
            #"""
            {"headers":{"A":"1","B":2,"C":true,"D":null,"E":{}},"queryStringParameters":{"q":"x"},
             "multiValueQueryStringParameters":{},"requestContext":{"connectionId":"c","routeKey":"r"}}
            """#)
        #expect(event.headers.map(\.name) == ["A", "B", "C"])
        #expect(event.headers.map(\.value) == ["1", "2", "true"])
        #expect(event.queryParameter("q") == "x")
    }

    @Test func `a body may come in base64`() throws {
        let event = try decode(
            #"{"requestContext":{"connectionId":"c","routeKey":"r"},"body":"w6kg8J+YgA==","isBase64Encoded":true}"#)
        #expect(event.body == "\u{E9} \u{1F600}")
    }

    @Test(arguments: [
        ("joinRoom", .joinRoom), ("leaveRoom", .leaveRoom), ("sendMessage", .sendMessage), ("heartbeat", .heartbeat),
        ("online", .online), ("history", .history), ("refreshToken", .default), ("JoinRoom", .default), ("", .default),
        (nil, .default), ("$connect", .default), ("$disconnect", .default), ("$default", .default), ("joinRoom ", .default),
    ] as [(String?, Route)])
    func `an action selects its route, and never a lifecycle one`(action: String?, route: Route) {
        #expect(Route(action: action) == route)
    }
}
