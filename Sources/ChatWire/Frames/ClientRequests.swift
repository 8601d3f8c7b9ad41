import ChatModel
import JSONCoding

public struct JoinRoomRequest: Equatable, Sendable {
    public var roomID: RoomID
    public var since: Int64?
    public var epoch: String?

    public init(_ fields: JSONObject) throws(ChatError) {
        let reader = FieldReader(fields: fields)
        roomID = try reader.requiredRoomID()
        since = try reader.integer("since", in: 0...Int64.max)
        epoch = try reader.string("epoch")
        if let epoch, epoch.utf8.count > Limits.plainNameBytes { throw .badRequest("epoch is too long") }
    }
}

public struct LeaveRoomRequest: Equatable, Sendable {
    public var roomID: RoomID

    public init(_ fields: JSONObject) throws(ChatError) {
        roomID = try FieldReader(fields: fields).requiredRoomID()
    }
}

/// Whom a message is for. A client may leave the room out while it is in exactly one.
public enum Addressee: Equatable, Sendable {
    case room(RoomID)
    case onlyRoom
    case user(UserID)
    case everyone

    init(_ reader: FieldReader) throws(ChatError) {
        let room = try reader.roomID()
        let user = try reader.userID("destinationUserId")
        let everyone = try reader.flag("everyone")
        switch (room, user, everyone) {
        case (let room?, nil, false): self = .room(room)
        case (nil, let user?, false): self = .user(user)
        case (nil, nil, true): self = .everyone
        case (nil, nil, false): self = .onlyRoom
        default: throw .badRequest("give one of roomId, destinationUserId and everyone")
        }
    }
}

public struct SendMessageRequest: Equatable, Sendable {
    public var addressee: Addressee
    public var body: String
    public var clientMessageID: String?

    public init(_ fields: JSONObject) throws(ChatError) {
        let reader = FieldReader(fields: fields)
        addressee = try Addressee(reader)
        clientMessageID = try reader.clientMessageID()
        body = try reader.body()
    }
}

public struct HeartbeatRequest: Equatable, Sendable {
    public var rooms: Bool

    public init(_ fields: JSONObject) throws(ChatError) {
        rooms = try FieldReader(fields: fields).flag("rooms")
    }
}

public struct RefreshTokenRequest: Equatable, Sendable {
    public var token: String

    public init(_ fields: JSONObject) throws(ChatError) {
        guard let token = try FieldReader(fields: fields).string("token") else { throw .badRequest("token is missing") }
        self.token = token
    }
}

public struct OnlineRequest: Equatable, Sendable {
    public var roomID: RoomID?
    public var limit: Int
    /// The last user of the page before.
    public var after: UserID?

    public init(_ fields: JSONObject) throws(ChatError) {
        let reader = FieldReader(fields: fields)
        roomID = try reader.roomID()
        limit = Int(try reader.integer("limit", in: 1...Int64(Limits.onlinePage)) ?? Int64(Limits.onlinePageDefault))
        guard let next = try reader.string("next") else { return }
        guard let user = OnlineCursor.decode(next) else { throw .badRequest("next is none that was given out") }
        after = user
    }
}

/// `next` of an `online` reply: a position among the user ids, which means nothing in another tenant.
public enum OnlineCursor {
    public static func encode(_ user: UserID) -> String {
        Base64.encode(Array(user.text.utf8), alphabet: .url, padding: false)
    }

    static func decode(_ text: String) -> UserID? {
        guard let bytes = Base64.decode(text, alphabet: .url, padding: false) else { return nil }
        return String(validating: bytes, as: UTF8.self).flatMap { UserID($0) }
    }
}

public struct HistoryRequest: Equatable, Sendable {
    public var destination: Destination
    public var before: Int64?
    public var after: Int64?
    public var limit: Int

    public init(_ fields: JSONObject) throws(ChatError) {
        let reader = FieldReader(fields: fields)
        switch (try reader.roomID(), try reader.userID("destinationUserId")) {
        case (let room?, nil): destination = .room(room)
        case (nil, let user?): destination = .user(user)
        default: throw .badRequest("give one of roomId and destinationUserId")
        }
        before = try reader.integer("before", in: 1...Int64.max)
        after = try reader.integer("after", in: 0...Int64.max)
        if before != nil, after != nil { throw .badRequest("give one of before and after") }
        limit = Int(try reader.integer("limit", in: 1...Int64(Limits.historyPage)) ?? Int64(Limits.historyPageDefault))
    }
}

/// A backend speaking: what the `Publish` function is invoked with.
public struct PublishRequest: Equatable, Sendable {
    public var tenantID: TenantID
    public var addressee: Addressee
    public var senderID: UserID
    public var body: String
    public var clientMessageID: String?

    /// - Parameter tenant: the tenant that the caller has named already, if it did; another in the event is refused.
    public init(decoding payload: [UInt8], tenant: TenantID? = nil) throws(ChatError) {
        guard let fields = (try? JSONParser.parse(payload, limits: JSONLimits(maxDepth: Limits.jsonDepth)))?.object else {
            throw .badRequest("a Publish event is a JSON object")
        }
        let reader = FieldReader(fields: fields)
        let named = try reader.string("tenantId")
        guard let id = named.map({ TenantID($0) }) ?? tenant else { throw .badRequest("tenantId is missing or malformed") }
        guard tenant == nil || tenant == id else { throw .badRequest("tenantId is another than the path's") }
        tenantID = id
        addressee = try Addressee(reader)
        if addressee == .onlyRoom { throw .badRequest("give one of roomId, destinationUserId and everyone") }
        guard let sender = try reader.userID("senderId") else { throw .badRequest("senderId is missing") }
        senderID = sender
        clientMessageID = try reader.clientMessageID()
        body = try reader.body()
    }
}

extension PublishRequest {
    /// The event again, its tenant named.
    public func encoded() -> [UInt8] {
        var writer = JSONWriter(capacity: 256 + body.utf8.count)
        writer.beginObject()
        writer.member("tenantId", tenantID.text)
        switch addressee {
        case .room(let id): writer.member("roomId", id.text)
        case .user(let id): writer.member("destinationUserId", id.text)
        case .everyone: writer.member("everyone", true)
        case .onlyRoom: break
        }
        writer.member("senderId", senderID.text)
        writer.member("body", body)
        writer.member("clientMessageId", ifPresent: clientMessageID)
        writer.endObject()
        return writer.bytes
    }
}
