import ChatModel
import ChatWire
import JSONCoding
import Testing

/// SplitMix64: the same sizes on every run.
private struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return bits ^ bits >> 31
    }

    /// Text of up to `bytes` bytes, of characters that cost up to six times as much in JSON.
    mutating func text(upTo bytes: Int, _ alphabet: [Character]) -> String {
        let wanted = Int.random(in: 1...bytes, using: &self)
        let character = alphabet.randomElement(using: &self)!
        let width = String(character).utf8.count
        return String(repeating: character, count: max(1, wanted / width))
    }

    mutating func user(_ index: Int, longest: Int) -> UserID {
        let number = String(index)
        let name = String(repeating: "0", count: 4 - number.count) + number
        return UserID(name + text(upTo: longest - 4, ["a", "\"", "\\", "\u{E9}", "\u{1F600}"]))!
    }

    mutating func message(_ seq: Int64, _ destination: Destination, longestBody: Int) -> Message {
        Message(
            destination: destination, messageID: "01M7Z56RM08M3V7T2R9W6X0YZB", seq: seq, senderID: user(0, longest: 256),
            body: text(upTo: longestBody, ["a", "\n", "\u{1}", "\u{E9}", "\u{1F600}"]),
            sentAt: Timestamp(milliseconds: 1_795_268_240_123))
    }

    mutating func requestID() -> RequestID? {
        switch Int.random(in: 0..<4, using: &self) {
        case 0: nil
        case 1: .number(JSONNumber(text: String(repeating: "9", count: 128))!)
        default: .text(text(upTo: 128, ["a", "\u{1}", "\""]))
        }
    }
}

private let longestRoom = RoomID(String(repeating: "r", count: 128))!
/// The longest in JSON: each character is escaped.
private let longestUser = UserID(String(repeating: "\"", count: 256))!
private let longestRequestID = RequestID.text(String(repeating: "\u{1}", count: 128))
private let now = Timestamp(milliseconds: 1_795_268_240_123)
private let seeds = UInt64(1)...30

private func object(_ frame: [UInt8]) throws -> JSONObject {
    try #require(try JSONParser.parse(frame, duplicates: .refuse).object)
}

struct FrameSizeTests {
    @Test(arguments: seeds)
    func `joined lists the first members and the oldest missed, and says if that is not all`(seed: UInt64) throws {
        var random = Seeded(state: seed)
        let members = (0..<Int.random(in: 0...200, using: &random)).map { index in
            Member(userID: random.user(index, longest: 256), joinedAt: now, version: .max)
        }
        let longestBody = [20, 400, 2000, Limits.bodyBytes].randomElement(using: &random)!
        let missed = (0..<Int64.random(in: 0...300, using: &random)).map { index in
            random.message(index + 1, .room(longestRoom), longestBody: longestBody)
        }
        let recovered = Bool.random(using: &random)
        let frame = JoinedReply(
            roomID: longestRoom, connectionID: ConnectionID(String(repeating: "c", count: 128))!, seq: .max, epoch: "3w5e11264sgsf",
            members: members, memberCount: members.count, recovery: .init(missed: missed, recovered: recovered)
        ).encoded(random.requestID())

        #expect(frame.count <= Limits.messageBytes)
        let root = try object(frame)
        let listed = try #require(root["members"]?.array).map { $0.object?["userId"] }
        #expect(listed == members.prefix(listed.count).map { .string($0.userID.text) })
        #expect(root["memberCount"]?.int64 == Int64(members.count))
        let seqs = try #require(root["missed"]?.array).map { $0.object?["seq"]?.int64 }
        #expect(seqs == missed.prefix(seqs.count).map(\.seq))
        #expect(root["recovered"] == .bool(recovered && seqs.count == missed.count))
        if seqs.count < missed.count {
            // It stopped because the next one would not have fitted.
            #expect(frame.count + ServerFrame.message(missed[seqs.count]).count > Limits.messageBytes - 1024)
        }
    }

    @Test(arguments: seeds, [true, false])
    func `history keeps the end that was asked for, and says if there is more`(seed: UInt64, fromOldest: Bool) throws {
        var random = Seeded(state: seed)
        let destination = [Destination.room(longestRoom), .user(longestUser)].randomElement(using: &random)!
        let longestBody = [20, 400, 500, 2000, Limits.bodyBytes].randomElement(using: &random)!
        let messages = (0..<Int64.random(in: 0...300, using: &random)).map { index in
            random.message(index + 1, destination, longestBody: longestBody)
        }
        let more = Bool.random(using: &random)
        let frame = ServerFrame.history(destination, messages, more: more, fromOldest: fromOldest, random.requestID())

        #expect(frame.count <= Limits.messageBytes)
        let root = try object(frame)
        let seqs = try #require(root["messages"]?.array).compactMap { $0.object?["seq"]?.int64 }
        let kept = fromOldest ? messages.prefix(seqs.count) : messages.suffix(seqs.count)
        #expect(seqs == kept.map(\.seq))
        #expect(root["more"] == .bool(more || seqs.count < messages.count))
        #expect(messages.isEmpty || !seqs.isEmpty)
    }

    @Test func `no history exceeds the limit, however its messages fill it`() {
        // With the longest of everything in front, some of these sizes fill the frame to its last bytes.
        for bodyBytes in 300...340 {
            let messages = (1...300).map { seq in
                Message(
                    destination: .user(longestUser), messageID: "01M7Z56RM08M3V7T2R9W6X0YZB", seq: seq, senderID: UserID("a")!,
                    body: String(repeating: "x", count: bodyBytes), sentAt: now)
            }
            let frame = ServerFrame.history(.user(longestUser), messages, more: false, fromOldest: true, longestRequestID)
            #expect(frame.count <= Limits.messageBytes, "with bodies of \(bodyBytes) bytes")
        }
    }

    @Test(arguments: seeds)
    func `online stops short and says where to go on`(seed: UInt64) throws {
        var random = Seeded(state: seed)
        let longest = [8, 60, 256].randomElement(using: &random)!
        let users = (0..<Int.random(in: 0...1000, using: &random)).map { index in
            OnlineUser(userID: random.user(index, longest: longest), connections: 20, lastSeen: now)
        }
        let more = Bool.random(using: &random)
        let frame = ServerFrame.online(users, more: more, random.requestID())

        #expect(frame.count <= Limits.messageBytes)
        let root = try object(frame)
        let listed = try #require(root["users"]?.array)
        #expect(root["count"]?.int64 == Int64(listed.count))
        #expect(listed.map { $0.object?["userId"] } == users.prefix(listed.count).map { .string($0.userID.text) })
        if listed.count < users.count || (more && !users.isEmpty) {
            let next = try #require(root["next"])
            #expect(try OnlineRequest(JSONObject([("next", next)])).after == users[listed.count - 1].userID)
        } else {
            #expect(root["next"] == nil)
        }
    }

    @Test func `no single message exceeds the limit`() {
        let body = String(repeating: "\u{1}", count: Limits.bodyBytes)
        for destination in [Destination.room(longestRoom), .user(longestUser)] {
            let message = Message(
                destination: destination, messageID: "01M7Z56RM08M3V7T2R9W6X0YZB", seq: .max, senderID: longestUser,
                body: body, sentAt: now)
            #expect(ServerFrame.message(message).count <= Limits.messageBytes)
            // Such a message can still be read from the history.
            let page = ServerFrame.history(destination, [message], more: false, fromOldest: true, longestRequestID)
            #expect(page.count > 6 * Limits.bodyBytes && page.count <= Limits.messageBytes)
        }
        #expect(
            ServerFrame.everyone(messageID: "01M7Z56RM08M3V7T2R9W6X0YZB", senderID: longestUser, body: body, sentAt: now).count
                <= Limits.messageBytes)
    }

    @Test func `a heartbeat of a connection in every room it may be in fits`() {
        let rooms = (0..<Limits.roomsPerConnection).map { RoomID(String($0 + 1000) + String(repeating: "r", count: 124))! }
        let beat = HeartbeatReply(
            connectionID: ConnectionID("c")!, at: now, expiresAt: now, interval: 300, reconnectBy: now,
            rooms: Dictionary(uniqueKeysWithValues: rooms.map { ($0, Int64.max) }))
        #expect(ServerFrame.heartbeat(beat, longestRequestID).count <= Limits.messageBytes)
    }
}
