/// What an engine of this machine may know of an item by its key.
extension Keys {
    /// Whether an item is read by frame after frame once it is written: a connection, a stream's head, and a user's
    /// presence in a room, which is written and soon marked as published.
    public static func isReadOften(_ key: Key) -> Bool {
        switch key.sk.utf8.first {
        case UInt8(ascii: "M"): key.sk == meta && !hasPrefix(key.pk, "USER#")
        case UInt8(ascii: "U"): hasPrefix(key.pk, "ROOM#")
        default: false
        }
    }

    /// Whether a write must survive a loss of power once it is answered: a message, its stream's head and the row that
    /// remembers it; and what refuses a user's tokens. Connections end with their server, and with them what says where they
    /// are: memberships, presence, the wheel's rows, the sets of users.
    public static func mustBeDurable(_ action: TransactAction) -> Bool {
        let key = action.key
        if hasPrefix(key.sk, "MSG#") || hasPrefix(key.pk, "SENT#") { return true }
        guard key.sk == meta else { return false }
        if case .update(let update) = action, hasPrefix(key.pk, "USER#") {
            return update.clauses.contains { $0.name == refusedUntil }
        }
        return hasPrefix(key.pk, "ROOM#") || hasPrefix(key.pk, "DM#")
    }

    private static func hasPrefix(_ text: String, _ prefix: String) -> Bool { text.utf8.starts(with: prefix.utf8) }
}
