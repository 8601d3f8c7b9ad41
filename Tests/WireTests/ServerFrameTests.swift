import ChatModel
import ChatWire
import JSONCoding
import Testing

private let at = Timestamp(milliseconds: 1_795_268_240_123)
private let time = "2026-11-21T13:37:20.123Z"
private let ulid = "01M7Z56RM08M3V7T2R9W6X0YZB"
private let room = RoomID("lobby")!
private let alice = UserID("alice")!

private func text(_ frame: [UInt8]) -> String { String(decoding: frame, as: UTF8.self) }

private func message(_ destination: Destination, _ seq: Int64 = 42) -> Message {
    Message(destination: destination, messageID: ulid, seq: seq, senderID: alice, body: "hi", sentAt: at)
}

private let said = #""messageId":"\#(ulid)","seq":42,"senderId":"alice","body":"hi","sentAt":"\#(time)"}"#

struct ServerFrameTests {
    @Test func `a message names its room, its user or everyone`() {
        #expect(text(ServerFrame.message(message(.room(room)))) == #"{"type":"message","roomId":"lobby",\#(said)"#)
        #expect(text(ServerFrame.message(message(.user(UserID("bob")!)))) == #"{"type":"message","destinationUserId":"bob",\#(said)"#)
        #expect(
            text(ServerFrame.everyone(messageID: ulid, senderID: alice, body: "hi", sentAt: at))
                == #"{"type":"message","everyone":true,"messageId":"\#(ulid)","senderId":"alice","body":"hi","sentAt":"\#(time)"}"#)
    }

    @Test func `a body comes back as it was sent`() throws {
        for body in ["\u{0}\u{1F}\u{7F}", "\"\\/\u{8}\u{C}\n\r\t", "e\u{301} \u{E9}", "\u{2028}\u{1F600}\u{FEFF}", "</script>"] {
            var sent = message(.room(room))
            sent.body = body
            let received = try JSONParser.parse(ServerFrame.message(sent)).object?["body"]
            #expect(received == .string(body))
        }
    }

    @Test func `a join has no reason and a leave has one`() {
        let join = PresenceEvent(kind: .join, roomID: room, userID: alice, version: 7, at: at)
        let head = #"{"type":"presence","event""#
        #expect(text(ServerFrame.presence(join)) == head + #":"join","roomId":"lobby","userId":"alice","version":7,"at":"\#(time)"}"#)
        for reason in EndReason.allCases {
            let leave = PresenceEvent(kind: .leave, roomID: room, userID: alice, version: 8, at: at, reason: reason)
            #expect(
                text(ServerFrame.presence(leave))
                    == head + #":"leave","roomId":"lobby","userId":"alice","version":8,"at":"\#(time)","reason":"\#(reason.rawValue)"}"#)
        }
        #expect(EndReason.allCases.map(\.rawValue) == ["left", "disconnected", "expired", "stale"])
    }

    @Test(arguments: ChatError.Code.allCases)
    func `an error has its code, its status, and what it answers`(code: ChatError.Code) {
        let error = ChatError(code, #"say "why""#)
        let core = #""code":"\#(code.rawValue)","status":\#(code.status),"message":"say \"why\"""#
        #expect(text(ServerFrame.error(error)) == #"{"type":"error",\#(core)}"#)
        #expect(
            text(ServerFrame.error(error, action: "joinRoom", requestID: .number(JSONNumber(text: "1.50")!)))
                == #"{"type":"error","requestId":1.50,\#(core),"action":"joinRoom"}"#)
    }

    @Test func `an acknowledgement says no more than it knows`() {
        var ack = Acknowledgement(destination: .room(room), messageID: ulid, seq: 42, sentAt: at)
        let core = #""messageId":"\#(ulid)","seq":42,"sentAt":"\#(time)""#
        #expect(text(ack.encoded()) == #"{"type":"ack","roomId":"lobby",\#(core)}"#)
        ack.duplicate = true
        #expect(text(ack.encoded(.text("r"))) == #"{"type":"ack","requestId":"r","roomId":"lobby",\#(core),"duplicate":true}"#)
        ack.destination = .user(alice)
        ack.delivered = 0
        #expect(text(ack.encoded()) == #"{"type":"ack","destinationUserId":"alice",\#(core),"duplicate":true,"delivered":0}"#)
        let everyone = Acknowledgement(destination: nil, messageID: ulid, seq: nil, sentAt: at)
        #expect(text(everyone.encoded()) == #"{"type":"ack","messageId":"\#(ulid)","sentAt":"\#(time)"}"#)
    }

    @Test func `a heartbeat lists rooms only when asked`() {
        var beat = HeartbeatReply(
            connectionID: ConnectionID("c=")!, at: at, expiresAt: at + 600, interval: 300, reconnectBy: at + 6900, rooms: nil)
        let core =
            #""connectionId":"c=","at":"\#(time)","expiresAt":"2026-11-21T13:47:20.123Z","interval":300,"#
            + #""reconnectBy":"2026-11-21T15:32:20.123Z""#
        #expect(text(ServerFrame.heartbeat(beat, nil)) == #"{"type":"heartbeat",\#(core)}"#)
        beat.rooms = [:]
        #expect(text(ServerFrame.heartbeat(beat, nil)) == #"{"type":"heartbeat",\#(core),"rooms":{}}"#)
        beat.rooms = [RoomID("b")!: 0, RoomID("a")!: 7]
        #expect(text(ServerFrame.heartbeat(beat, nil)) == #"{"type":"heartbeat",\#(core),"rooms":{"a":7,"b":0}}"#)
    }

    @Test func `a new token's end is told`() {
        #expect(text(ServerFrame.refreshed(expiresAt: at, .text("r"))) == #"{"type":"refreshed","requestId":"r","expiresAt":"\#(time)"}"#)
    }

    private func joined(members: Int, of count: Int, _ recovery: JoinedReply.Recovery?) throws -> JSONObject {
        let listed = (0..<members).map { Member(userID: UserID("u\($0)")!, joinedAt: at, version: 7) }
        let reply = JoinedReply(
            roomID: room, connectionID: ConnectionID("c=")!, seq: 42, epoch: "e", members: listed, memberCount: count,
            recovery: recovery)
        return try #require(try JSONParser.parse(reply.encoded(nil)).object)
    }

    @Test func `joined speaks of missed messages only when since was given`() throws {
        let plain = try joined(members: 1, of: 1, nil)
        #expect(plain.members.map(\.name) == ["type", "roomId", "connectionId", "seq", "epoch", "memberCount", "members"])
        let resumed = try joined(members: 1, of: 1, .init(missed: [message(.room(room))], recovered: true))
        #expect(resumed["missed"] == .array([try JSONParser.parse(ServerFrame.message(message(.room(room))))]))
        #expect(resumed["recovered"] == .bool(true))
        #expect(try joined(members: 1, of: 1, .init(missed: [], recovered: false))["recovered"] == .bool(false))
    }

    @Test(arguments: [(1, nil), (1000, nil), (1001, .bool(false)), (50_000, .bool(false))] as [(Int, JSONValue?)])
    func `joined says that a large room sends no presence`(count: Int, presence: JSONValue?) throws {
        let frame = try joined(members: min(count, 200), of: count, nil)
        #expect(frame["presence"] == presence)
        #expect(frame["memberCount"]?.int64 == Int64(count))
    }

    @Test func `history holds whole message frames`() throws {
        let frame = ServerFrame.history(.room(room), [message(.room(room))], more: true, fromOldest: false, nil)
        #expect(text(frame) == #"{"type":"history","roomId":"lobby","messages":[{"type":"message","roomId":"lobby",\#(said)],"more":true}"#)
        let empty = ServerFrame.history(.user(alice), [], more: false, fromOldest: true, nil)
        #expect(text(empty) == #"{"type":"history","destinationUserId":"alice","messages":[],"more":false}"#)
    }

    @Test func `an online report lists everybody`() {
        let users = [OnlineUser(userID: alice, connections: 2, lastSeen: at)]
        let listed = #"[{"userId":"alice","connections":2,"lastSeen":"\#(time)"}]"#
        #expect(text(ServerFrame.onlineReport(TenantID("acme")!, users)) == #"{"tenantId":"acme","count":1,"users":\#(listed)}"#)
        #expect(text(ServerFrame.online(users, more: false, nil)) == #"{"type":"online","users":\#(listed),"count":1}"#)
        #expect(text(ServerFrame.online([], more: false, nil)) == #"{"type":"online","users":[],"count":0}"#)
    }
}

struct OnlineCursorTests {
    @Test(arguments: ["a", "alice", "b\u{E9}a", "e\u{301}", "#%\"", "\u{1F600}", String(repeating: "z", count: 256)])
    func `a cursor leads back to its user`(id: String) throws {
        let user = try #require(UserID(id))
        let cursor = OnlineCursor.encode(user)
        #expect(cursor.utf8.allSatisfy { $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "=") })
        #expect(try OnlineRequest(JSONObject([("next", .string(cursor))])).after == user)
    }
}
