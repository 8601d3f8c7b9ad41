/// Who a verified token speaks for, and what it allows.
public struct Claims: Sendable {
    /// The user: 1 to 256 bytes without control characters.
    public let subject: String
    /// The tenant: `[A-Za-z0-9._:@-]{1,128}`.
    public let tenant: String
    /// The first second in which the token is no longer valid, since the epoch. A fraction was rounded down.
    public let expiresAt: Int64
    /// When the token was issued, in seconds since the epoch. A fraction was rounded down.
    public let issuedAt: Int64?
    /// The rooms that may be joined, exact names or prefixes ending in `*`; nil for every room of the tenant.
    public let rooms: [String]?
    public let roles: [String]

    /// Whether the token allows joining this room.
    public func allows(room: String) -> Bool {
        // UTF-8 bytes, because String would take U+212A for the letter K.
        guard let rooms else { return true }
        return rooms.contains { allowed in
            allowed.utf8.last == UInt8(ascii: "*")
                ? room.utf8.starts(with: allowed.utf8.dropLast())
                : room.utf8.elementsEqual(allowed.utf8)
        }
    }

    public func has(role: String) -> Bool {
        roles.contains { $0.utf8.elementsEqual(role.utf8) }
    }
}
