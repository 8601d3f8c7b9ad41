import ChatModel
import JSONCoding

/// Every frame the server sends, as JSON bytes. None exceeds ``Limits/messageBytes``.
public enum ServerFrame {
    /// A stored message, to the members of its room or the connections of its two users.
    public static func message(_ message: Message) -> [UInt8] {
        var writer = JSONWriter(capacity: 256 + message.body.utf8.count)
        writer.write(message)
        return writer.bytes
    }

    /// A message to every connection of a tenant; it is not stored and has no `seq`.
    public static func everyone(messageID: String, senderID: UserID, body: String, sentAt: Timestamp) -> [UInt8] {
        var writer = JSONWriter(capacity: 256 + body.utf8.count)
        writer.beginFrame("message")
        writer.member("everyone", true)
        writer.member("messageId", messageID)
        writer.member("senderId", senderID.text)
        writer.member("body", body)
        writer.member("sentAt", sentAt)
        writer.endObject()
        return writer.bytes
    }

    public static func presence(_ event: PresenceEvent) -> [UInt8] {
        var writer = JSONWriter(capacity: 256)
        writer.beginFrame("presence")
        writer.member("event", event.kind.rawValue)
        writer.member("roomId", event.roomID.text)
        writer.member("userId", event.userID.text)
        writer.member("version", event.version)
        writer.member("at", event.at)
        writer.member("reason", ifPresent: event.reason?.rawValue)
        writer.endObject()
        return writer.bytes
    }

    public static func error(_ error: ChatError, action: String? = nil, requestID: RequestID? = nil) -> [UInt8] {
        var writer = JSONWriter(capacity: 256)
        writer.beginFrame("error", requestID)
        writer.member("code", error.code.rawValue)
        writer.member("status", error.code.status)
        writer.member("message", error.message)
        writer.member("action", ifPresent: action)
        writer.endObject()
        return writer.bytes
    }

    public static func left(_ room: RoomID, _ requestID: RequestID?) -> [UInt8] {
        var writer = JSONWriter(capacity: 128)
        writer.beginFrame("left", requestID)
        writer.member("roomId", room.text)
        writer.endObject()
        return writer.bytes
    }

    public static func heartbeat(_ beat: HeartbeatReply, _ requestID: RequestID?) -> [UInt8] {
        var writer = JSONWriter(capacity: 256)
        writer.beginFrame("heartbeat", requestID)
        writer.member("connectionId", beat.connectionID.text)
        writer.member("at", beat.at)
        writer.member("expiresAt", beat.expiresAt)
        writer.member("interval", beat.interval.count)
        writer.member("reconnectBy", beat.reconnectBy)
        if let rooms = beat.rooms {
            writer.name("rooms")
            writer.beginObject()
            for (room, seq) in rooms.sorted(by: { $0.key < $1.key }) { writer.member(room.text, seq) }
            writer.endObject()
        }
        writer.endObject()
        return writer.bytes
    }

    public static func refreshed(expiresAt: Timestamp, _ requestID: RequestID?) -> [UInt8] {
        var writer = JSONWriter(capacity: 128)
        writer.beginFrame("refreshed", requestID)
        writer.member("expiresAt", expiresAt)
        writer.endObject()
        return writer.bytes
    }
}

public struct HeartbeatReply: Equatable, Sendable {
    public var connectionID: ConnectionID
    public var at: Timestamp
    /// The end of the lease.
    public var expiresAt: Timestamp
    public var interval: Seconds
    /// Before the gateway's age limit for a connection.
    public var reconnectBy: Timestamp
    /// The newest seq of each of its rooms, if asked for.
    public var rooms: [RoomID: Int64]?

    public init(
        connectionID: ConnectionID, at: Timestamp, expiresAt: Timestamp, interval: Seconds, reconnectBy: Timestamp,
        rooms: [RoomID: Int64]?
    ) {
        self.connectionID = connectionID
        self.at = at
        self.expiresAt = expiresAt
        self.interval = interval
        self.reconnectBy = reconnectBy
        self.rooms = rooms
    }
}

extension JSONWriter {
    mutating func beginFrame(_ type: String, _ requestID: RequestID? = nil) {
        beginObject()
        member("type", type)
        switch requestID {
        case nil: break
        case .text(let id): member("requestId", id)
        case .number(let id): member("requestId", id)
        }
    }

    /// A time as frames have it: RFC 3339 in UTC with milliseconds.
    mutating func member(_ name: String, _ time: Timestamp) {
        self.name(name)
        let text = time.rfc3339
        plainString(text.span)
    }

    mutating func write(_ message: Message) {
        beginFrame("message")
        write(message.destination)
        member("messageId", message.messageID)
        member("seq", message.seq)
        member("senderId", message.senderID.text)
        member("body", message.body)
        member("sentAt", message.sentAt)
        endObject()
    }

    mutating func write(_ destination: Destination) {
        switch destination {
        case .room(let id): member("roomId", id.text)
        case .user(let id): member("destinationUserId", id.text)
        }
    }
}
