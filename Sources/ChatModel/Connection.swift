/// What is known of a connection; all but the lease is fixed at `$connect`, and the lease moves with its frames.
public struct Connection: Equatable, Sendable {
    public var id: ConnectionID
    public var tenantID: TenantID
    public var userID: UserID
    public var connectedAt: Timestamp
    /// The end of its lease; a connection past it is online nowhere.
    public var expiresAt: Timestamp
    /// The last frame known of.
    public var lastSeen: Timestamp
    /// The token's `exp`: no lease outlives it.
    public var tokenExpiresAt: Timestamp
    /// Rooms the token allows (exact, or a prefix ending in `*`); nil allows all.
    public var allowedRooms: [String]?
    /// `admin` may send to everyone in the tenant.
    public var roles: [String]
    /// Rooms it is in.
    public var rooms: Set<String>
    /// Set once something has begun to end it: it is served no longer.
    public var ended: EndReason?

    public init(
        id: ConnectionID, tenantID: TenantID, userID: UserID, connectedAt: Timestamp, expiresAt: Timestamp,
        lastSeen: Timestamp, tokenExpiresAt: Timestamp, allowedRooms: [String]? = nil, roles: [String] = [],
        rooms: Set<String> = [], ended: EndReason? = nil
    ) {
        self.id = id
        self.tenantID = tenantID
        self.userID = userID
        self.connectedAt = connectedAt
        self.expiresAt = expiresAt
        self.lastSeen = lastSeen
        self.tokenExpiresAt = tokenExpiresAt
        self.allowedRooms = allowedRooms
        self.roles = roles
        self.rooms = rooms
        self.ended = ended
    }

    public func isLive(at now: Timestamp) -> Bool { ended == nil && expiresAt > now }

    /// Whether the token lets it join a room.
    public func allows(_ room: RoomID) -> Bool {
        guard let allowedRooms else { return true }
        return allowedRooms.contains { pattern in
            pattern.utf8.last == UInt8(ascii: "*")
                ? room.text.utf8.starts(with: pattern.utf8.dropLast())
                : bytesEqual(pattern, room.text)
        }
    }
}
