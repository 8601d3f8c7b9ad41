/// Where a stored message goes: into a room, or into the conversation of two users.
public enum Destination: Hashable, Sendable {
    case room(RoomID)
    case user(UserID)
}

/// A stored message. `seq` starts at 1 in its room or conversation and has no gaps.
public struct Message: Equatable, Sendable {
    public var destination: Destination
    /// A ULID.
    public var messageID: String
    public var seq: Int64
    public var senderID: UserID
    public var body: String
    public var sentAt: Timestamp

    public init(
        destination: Destination, messageID: String, seq: Int64, senderID: UserID, body: String, sentAt: Timestamp
    ) {
        self.destination = destination
        self.messageID = messageID
        self.seq = seq
        self.senderID = senderID
        self.body = body
        self.sentAt = sentAt
    }
}
