/// A user entering a room with the first connection, or leaving it with the last.
public struct PresenceEvent: Equatable, Sendable {
    public enum Kind: String, Sendable { case join, leave }

    public var kind: Kind
    public var roomID: RoomID
    public var userID: UserID
    /// Rises with every event of this user in this room; a client keeps the highest.
    public var version: Int64
    public var at: Timestamp
    /// Only a leave has one.
    public var reason: EndReason?

    public init(
        kind: Kind, roomID: RoomID, userID: UserID, version: Int64, at: Timestamp, reason: EndReason? = nil
    ) {
        self.kind = kind
        self.roomID = roomID
        self.userID = userID
        self.version = version
        self.at = at
        self.reason = reason
    }
}

/// Why somebody is no longer in a room.
public enum EndReason: String, Sendable, CaseIterable {
    /// The client said `leaveRoom`.
    case left
    /// The socket closed.
    case disconnected
    /// The lease or the token ran out.
    case expired
    /// A post found the connection gone.
    case stale
}

/// A user in a room, as `joined` lists it.
public struct Member: Equatable, Sendable {
    public var userID: UserID
    public var joinedAt: Timestamp
    public var version: Int64

    public init(userID: UserID, joinedAt: Timestamp, version: Int64) {
        self.userID = userID
        self.joinedAt = joinedAt
        self.version = version
    }
}

/// A user who is online, as `online` lists it.
public struct OnlineUser: Equatable, Sendable {
    public var userID: UserID
    /// Unexpired connections (in the room, when one was asked for).
    public var connections: Int
    /// The last frame known of; lags at most a quarter of the lease.
    public var lastSeen: Timestamp

    public init(userID: UserID, connections: Int, lastSeen: Timestamp) {
        self.userID = userID
        self.connections = connections
        self.lastSeen = lastSeen
    }
}
