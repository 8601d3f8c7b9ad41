extension Device {
    /// What it knows of a room.
    struct Room {
        var epoch: String?
        /// Every message up to this one it has, or knew of when it first came.
        var whole: Int64 = 0
        /// Messages it has beyond.
        var ahead: Set<Int64> = []
        /// Whether this connection was told that it is in.
        var isJoined = false
        /// The newest presence of each user that it heard of.
        var presence: [String: (version: Int64, isIn: Bool)] = [:]

        mutating func take(_ seq: Int64) {
            if seq > whole { ahead.insert(seq) }
            while ahead.remove(whole + 1) != nil { whole += 1 }
        }

        mutating func list(_ user: String, _ version: Int64) {
            if version >= presence[user]?.version ?? 0 { presence[user] = (version, true) }
        }

        mutating func take(_ user: String, _ version: Int64, isIn: Bool) {
            if version > presence[user]?.version ?? 0 { presence[user] = (version, isIn) }
        }
    }
}
