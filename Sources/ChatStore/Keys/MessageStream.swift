import ChatModel

/// What numbers its messages from 1 without gaps: a room, or the conversation of two users.
public enum MessageStream: Hashable, Sendable {
    case room(Room)
    /// The lower user id first, so that both sides name the same conversation. Made by ``direct(_:between:and:)``.
    case direct(TenantID, UserID, UserID)

    public static func direct(_ tenant: TenantID, between a: UserID, and b: UserID) -> MessageStream {
        a < b ? .direct(tenant, a, b) : .direct(tenant, b, a)
    }

    /// The partition that holds its head and its messages.
    public var partition: String {
        switch self {
        case .room(let room): Keys.roomPartition(room)
        case .direct(let tenant, let low, let high):
            "DM#\(tenant.text)#\(KeyText.encode(low.text))#\(KeyText.encode(high.text))"
        }
    }

    public var head: Key { Key(partition, Keys.meta) }

    /// Where a message of it went, seen from its sender.
    func destination(from sender: UserID) -> Destination {
        switch self {
        case .room(let room): .room(room.id)
        case .direct(_, let low, let high): .user(sender == low ? high : low)
        }
    }
}
