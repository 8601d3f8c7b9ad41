import ChatModel
import JSONCoding

/// Frames with lists, which stop short of ``Limits/messageBytes`` and say so.
public struct JoinedReply: Sendable {
    public var roomID: RoomID
    public var connectionID: ConnectionID
    public var seq: Int64
    public var epoch: String
    public var members: [Member]
    public var memberCount: Int
    /// Only when the client gave `since`.
    public var recovery: Recovery?

    public struct Recovery: Equatable, Sendable {
        /// Oldest first.
        public var missed: [Message]
        /// Whether `missed` is provably all that was missed.
        public var recovered: Bool

        public init(missed: [Message], recovered: Bool) {
            self.missed = missed
            self.recovered = recovered
        }
    }

    public init(
        roomID: RoomID, connectionID: ConnectionID, seq: Int64, epoch: String, members: [Member], memberCount: Int,
        recovery: Recovery?
    ) {
        self.roomID = roomID
        self.connectionID = connectionID
        self.seq = seq
        self.epoch = epoch
        self.members = members
        self.memberCount = memberCount
        self.recovery = recovery
    }

    public func encoded(_ requestID: RequestID?) -> [UInt8] {
        var writer = JSONWriter(capacity: 1024)
        writer.beginFrame("joined", requestID)
        writer.member("roomId", roomID.text)
        writer.member("connectionId", connectionID.text)
        writer.member("seq", seq)
        writer.member("epoch", epoch)
        writer.member("memberCount", memberCount)
        if memberCount > Limits.presenceUsers { writer.member("presence", false) }
        writer.list("members", members, upTo: JoinedReply.membersShare) { writer, member in
            writer.beginObject()
            writer.member("userId", member.userID.text)
            writer.member("joinedAt", member.joinedAt)
            writer.member("version", member.version)
            writer.endObject()
        }
        if let recovery {
            let written = writer.list("missed", recovery.missed, upTo: Limits.messageBytes - listTail) { $0.write($1) }
            writer.member("recovered", recovery.recovered && written == recovery.missed.count)
        }
        writer.endObject()
        return writer.bytes
    }

    /// Of a frame's bytes, how many may be taken when the members end, so that what was missed has room.
    static let membersShare = 24 * 1024
}

extension ServerFrame {
    /// - Parameters:
    ///   - messages: oldest first.
    ///   - fromOldest: which end counts when not all fit: reading forward the oldest, reading back the newest.
    public static func history(
        _ destination: Destination, _ messages: [Message], more: Bool, fromOldest: Bool, _ requestID: RequestID?
    ) -> [UInt8] {
        let encoded = messages.map(message)
        var writer = JSONWriter(capacity: 1024)
        writer.beginFrame("history", requestID)
        writer.write(destination)
        var room = Limits.messageBytes - listTail - writer.bytes.count
        var fitting = 0
        for index in 0..<encoded.count {
            room -= encoded[fromOldest ? index : encoded.count - 1 - index].count + 1
            if room < 0 { break }
            fitting += 1
        }
        writer.name("messages")
        writer.beginArray()
        for message in fromOldest ? encoded.prefix(fitting) : encoded.suffix(fitting) { writer.raw(message) }
        writer.endArray()
        writer.member("more", more || fitting < messages.count)
        writer.endObject()
        return writer.bytes
    }

    /// - Parameter more: whether users come after the last of these.
    public static func online(_ users: [OnlineUser], more: Bool, _ requestID: RequestID?) -> [UInt8] {
        var writer = JSONWriter(capacity: 1024)
        writer.beginFrame("online", requestID)
        let written = writer.list("users", users, upTo: Limits.messageBytes - listTail) { $0.write($1) }
        writer.member("count", written)
        if more || written < users.count, written > 0 {
            writer.member("next", OnlineCursor.encode(users[written - 1].userID))
        }
        writer.endObject()
        return writer.bytes
    }

    /// `muster online --json` and `GET /tenants/{tenant}/online`: everybody, in one object.
    public static func onlineReport(_ tenant: TenantID, _ users: [OnlineUser]) -> [UInt8] {
        var writer = JSONWriter(capacity: 1024)
        writer.beginObject()
        writer.member("tenantId", tenant.text)
        writer.member("count", users.count)
        writer.name("users")
        writer.beginArray()
        for user in users { writer.write(user) }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    /// `muster kick --json` and `POST /tenants/{tenant}/users/{user}/kick`.
    /// - Parameter refusedUntil: tokens issued until then let nobody in.
    public static func kickReport(
        _ tenant: TenantID, _ user: UserID, connections: Int, refusedUntil: Timestamp
    ) -> [UInt8] {
        var writer = JSONWriter(capacity: 256)
        writer.beginObject()
        writer.member("tenantId", tenant.text)
        writer.member("userId", user.text)
        writer.member("connections", connections)
        writer.member("refusedUntil", refusedUntil)
        writer.endObject()
        return writer.bytes
    }
}

/// Bytes kept free for a list's name and what follows it: `recovered`, `more`, `next` (a user id in base64) and the
/// closing brackets.
private let listTail = 512

extension JSONWriter {
    /// Writes elements while the whole frame stays within `bytes`.
    /// - Returns: how many were written.
    @discardableResult
    mutating func list<Element>(
        _ name: String, _ elements: [Element], upTo bytes: Int, _ write: (inout JSONWriter, Element) -> Void
    ) -> Int {
        self.name(name)
        beginArray()
        var written = 0
        for element in elements {
            var one = JSONWriter(capacity: 256)
            write(&one, element)
            guard self.bytes.count + one.bytes.count + 1 <= bytes else { break }
            raw(one.bytes)
            written += 1
        }
        endArray()
        return written
    }

    mutating func write(_ user: OnlineUser) {
        beginObject()
        member("userId", user.userID.text)
        member("connections", user.connections)
        member("lastSeen", user.lastSeen)
        endObject()
    }
}
