import ChatModel
import ChatWire
import JSONCoding
import Testing

struct SampleEventTests {
    /// Every message event, with the route it must take.
    static let messages: [(String, Route)] = [
        ("join-room", .joinRoom), ("leave-room", .leaveRoom), ("send-message-room", .sendMessage),
        ("send-message-user", .sendMessage), ("send-message-everyone", .sendMessage), ("heartbeat", .heartbeat),
        ("online", .online), ("history", .history), ("refresh-token", .default), ("default-unknown-action", .default),
        ("default-no-json", .default),
    ]

    @Test func `every sample is tried here`() throws {
        let others: Set = [
            "authorizer", "connect", "connect-authorizer", "disconnect", "fanout", "minimal", "publish", "schedule", "stream-records",
        ]
        #expect(try Sample.names() == others.union(SampleEventTests.messages.map(\.0)))
    }

    private func event(_ name: String) throws -> GatewayEvent { try GatewayEvent(decoding: Sample.read(name)) }

    @Test func `a connect has headers, a query and an identity`() throws {
        let event = try event("connect")
        var context = GatewayEvent.Context(connectionID: "L0SM9cOFvHcCIhw=", routeKey: "$connect")
        context.eventType = .connect
        context.requestID = "UyHY1EpsFiAFQYQ="
        context.extendedRequestID = "UyHY1EpsFiAFQYQ="
        context.stage = "prod"
        context.domainName = "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com"
        context.apiID = "a1b2c3d4e5"
        context.connectedAt = Timestamp(milliseconds: 1_795_268_240_411)
        context.requestTime = Timestamp(milliseconds: 1_795_268_240_412)
        context.sourceIP = "203.0.113.7"
        context.userAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
        #expect(event.context == context)
        #expect(event.header("ORIGIN") == "https://app.example.com")
        #expect(event.header("sec-websocket-protocol") == "muster.v1")
        #expect(event.header("authorization") == nil)
        // Of two tokens the last counts.
        #expect(event.query.filter { $0.name == "token" }.count == 2)
        #expect(event.queryParameter("token")?.hasPrefix("eyJ") == true)
        #expect(event.queryParameter("client") == "web 1.4")
        #expect(event.queryParameter("Token") == nil)
        #expect(event.body == nil)
    }

    @Test func `an authorizer's answer comes as text, whatever it was`() throws {
        let event = try event("connect-authorizer")
        #expect(event.context.authorizer == [
            "principalId": "acme/alice", "userId": "alice", "tenantId": "acme", "exp": "1795271840", "iat": "1795268240",
            "rooms": "lobby team-*", "roles": "admin", "integrationLatency": "186",
        ])
        #expect(event.query.isEmpty)
        #expect(event.header("Authorization")?.hasPrefix("Bearer ") == true)
    }

    @Test(arguments: messages)
    func `a message has a body, an id and no headers`(name: String, route: Route) throws {
        let event = try event(name)
        #expect(event.context.routeKey == route.rawValue)
        #expect(event.context.eventType == .message)
        #expect(event.context.messageID != nil)
        #expect(event.headers.isEmpty && event.query.isEmpty)
        #expect(event.context.connectionID == "L0SM9cOFvHcCIhw=")
        #expect(event.context.sourceIP == "203.0.113.7")
        #expect(event.context.userAgent == nil)
        #expect(event.context.disconnectStatusCode == nil)
        #expect(event.body != nil)
        #expect(Route(action: FrameEnvelope(parsing: event.body).action) == route)
    }

    @Test func `the frames inside the messages are what they say`() throws {
        func frame(_ name: String) throws -> FrameEnvelope {
            let envelope = FrameEnvelope(parsing: try event(name).body)
            try #require(envelope.fault == nil)
            return envelope
        }
        let join = try JoinRoomRequest(frame("join-room").fields)
        #expect(join.roomID == RoomID("lobby") && join.since == 41 && join.epoch == "1y2p0ij32e8e7")
        #expect(try LeaveRoomRequest(frame("leave-room").fields).roomID == RoomID("lobby"))
        let toRoom = try SendMessageRequest(frame("send-message-room").fields)
        #expect(toRoom.addressee == .room(RoomID("lobby")!) && toRoom.body == "hi 👋" && toRoom.clientMessageID == "c-1")
        let toUser = try SendMessageRequest(frame("send-message-user").fields)
        #expect(toUser.addressee == .user(UserID("b\u{E9}a")!) && toUser.clientMessageID == nil)
        #expect(try SendMessageRequest(frame("send-message-everyone").fields).addressee == .everyone)
        #expect(try HeartbeatRequest(frame("heartbeat").fields).rooms)
        let online = try OnlineRequest(frame("online").fields)
        #expect(online.roomID == RoomID("lobby") && online.limit == 50 && online.after == UserID("alice"))
        let history = try HistoryRequest(frame("history").fields)
        #expect(history.destination == .room(RoomID("lobby")!) && history.before == 42 && history.after == nil && history.limit == 20)
        #expect(try frame("history").requestID == .number(JSONNumber(text: "12345678901234567890")!))
        #expect(try RefreshTokenRequest(frame("refresh-token").fields).token.hasPrefix("eyJ"))
        #expect(FrameEnvelope(parsing: try event("default-no-json").body).fault?.code == .badRequest)
    }

    @Test func `an authorizer's answer comes with every message too`() throws {
        #expect(try event("send-message-everyone").context.authorizer["tenantId"] == "acme")
    }

    @Test func `a disconnect says how it came`() throws {
        let event = try event("disconnect")
        #expect(event.context.routeKey == "$disconnect")
        #expect(event.context.eventType == .disconnect)
        #expect(event.context.disconnectStatusCode == 1005)
        #expect(event.context.disconnectReason == "Client-side close frame status not set")
        #expect(event.context.messageID == nil)
        #expect(event.header("x-restapi") == "")
        #expect(event.body == nil)
    }

    @Test func `a connection id and a route key are enough`() throws {
        let event = try event("minimal")
        #expect(event == GatewayEvent(GatewayEvent.Context(connectionID: "L0SM9cOFvHcCIhw=", routeKey: "heartbeat")))
    }

    @Test func `only removals by the table's own TTL count as expiry`() throws {
        guard case .records(let records) = try CleanupEvent(decoding: Sample.read("stream-records")) else {
            Issue.record("not read as records")
            return
        }
        #expect(records.map(\.isExpiry) == [true, false, true, false])
        #expect(records.map(\.sequenceNumber) == (91...94).map { "44215845000000000174504390\($0)" })
        let image = records[0].oldImage
        #expect(image["PK"] == .string("CONN#L0SM9cOFvHcCIhw="))
        #expect(image["userId"] == .string("alice"))
        #expect(image["expiresAt"] == .number(1_795_268_900))
        #expect(image["rooms"] == .strings(["lobby", "team-1"]))
        #expect(records[1].oldImage["rooms"] == nil)
        #expect(records[3].oldImage.isEmpty)
    }

    @Test(arguments: ["schedule", "minimal", "publish"])
    func `any event without records is a sweep`(name: String) throws {
        #expect(try CleanupEvent(decoding: Sample.read(name)) == .sweep)
    }

    @Test func `a queue's record is a shard, or says what it is not`() throws {
        let event = try FanoutEvent(decoding: Sample.read("fanout"))
        #expect(event.records.map(\.messageID) == ["059f36b4-87a3-44ab-83d2-661975830a7d", "2e1424d4-f796-459a-8184-9c92662be6da"])
        #expect(event.records.map(\.receiveCount) == [1, 3])
        let shard = try event.records[0].shard.get()
        #expect(shard.connections.map(\.text) == ["L0SM9cOFvHcCIhw=", "M1TN8dPGwIdDJix="])
        #expect(try JSONParser.parse(shard.frame).object?["body"]?.string == "hi 👋")
        #expect(event.records[1].shard == .failure(EventError("v is missing or another version's")))
    }

    @Test func `an authorizer is shown the handshake`() throws {
        let event = try AuthorizerEvent(decoding: Sample.read("authorizer"))
        #expect(event.methodARN == "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/prod/$connect")
        #expect(event.request.header("authorization")?.hasPrefix("Bearer ") == true)
        #expect(event.request.context.connectionID == "L0SM9cOFvHcCIhw=")
        #expect(event.request.context.authorizer.isEmpty)
    }

    @Test func `a backend speaks`() throws {
        let request = try PublishRequest(decoding: Sample.read("publish"))
        #expect(request.tenantID == TenantID("acme"))
        #expect(request.addressee == .room(RoomID("lobby")!))
        #expect(request.senderID == UserID("billing-bot"))
        #expect(request.body == "Invoice 1042 was paid.")
        #expect(request.clientMessageID == "invoice-1042")
    }

    @Test(arguments: ["connect", "connect-authorizer", "disconnect", "minimal"] + messages.map(\.0))
    func `what was read is written the same`(name: String) throws {
        let event = try event(name)
        let again = try GatewayEvent(decoding: event.encoded())
        #expect(again.context == event.context)
        #expect(again.body == event.body)
        #expect(sorted(again.headers) == sorted(event.headers))
        #expect(sorted(again.query) == sorted(event.query))
        // A second time even the order stays.
        #expect(try GatewayEvent(decoding: again.encoded()) == again)
    }

    /// By name only: the values of one name keep their order.
    private func sorted(_ pairs: [(name: String, value: String)]) -> [String] {
        var places: [String: [String]] = [:]
        for (name, value) in pairs { places[name, default: []].append(value) }
        return places.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }
}
