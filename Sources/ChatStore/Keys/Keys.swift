import ChatModel

/// A room within its tenant: what a room's partition is named by.
public struct Room: Hashable, Sendable {
    public let tenantID: TenantID
    public let id: RoomID
    /// The key of its partition, made once: nearly everything that is done in a room needs it.
    public let partition: String

    public init(_ tenantID: TenantID, _ id: RoomID) {
        self.tenantID = tenantID
        self.id = id
        partition = "ROOM#\(tenantID.text)#\(id.text)"
    }

    public static func == (a: Room, b: Room) -> Bool { bytesEqual(a.partition, b.partition) }
    public func hash(into hasher: inout Hasher) { hasher.combine(partition) }
}

/// A user within a tenant.
public struct User: Hashable, Sendable {
    public var tenantID: TenantID
    public var id: UserID
    public init(_ tenantID: TenantID, _ id: UserID) {
        self.tenantID = tenantID
        self.id = id
    }
}

/// The key grammar of the one table. `schema/README.md` lists every item type with its cost.
public enum Keys {
    public static let meta = "META"

    // Connections

    public static func connection(_ id: ConnectionID) -> Key { Key("CONN#\(id.text)", meta) }
    /// GSI1 of a connection: all connections of a user.
    public static func userConnections(_ user: User, _ id: ConnectionID) -> Key { Key(userPartition(user), "CONN#\(id.text)") }
    /// GSI2 of a connection: a tenant's connections by user.
    public static func tenantConnections(_ user: User, _ id: ConnectionID) -> Key {
        Key(tenantPartition(user.tenantID, shard: shard(of: user.id.text)), "\(tenantUserPrefix(user.id))CONN#\(id.text)")
    }
    public static func tenantPartition(_ tenant: TenantID, shard: Int) -> String { "TENANT#\(tenant.text)#\(shard)" }
    static func tenantUserPrefix(_ user: UserID) -> String { "USER#\(KeyText.ordered(user.text))#" }

    // Users

    public static func user(_ user: User) -> Key { Key(userPartition(user), meta) }
    static func userPartition(_ user: User) -> String { "USER#\(user.tenantID.text)#\(KeyText.encode(user.id.text))" }

    // Rooms

    public static func roomPartition(_ room: Room) -> String { room.partition }
    public static func room(_ room: Room) -> Key { Key(roomPartition(room), meta) }
    /// GSI2 of a room: a tenant's rooms.
    public static func tenantRooms(_ room: Room) -> Key { Key("TENANT#\(room.tenantID.text)#ROOMS", "ROOM#\(room.id.text)") }
    public static func membership(_ room: Room, _ id: ConnectionID) -> Key { Key(roomPartition(room), "CONN#\(id.text)") }
    /// GSI1 of a membership: the rooms a connection is in.
    public static func connectionRooms(_ id: ConnectionID, _ room: Room) -> Key { Key("CONN#\(id.text)", roomPartition(room)) }
    /// A user's presence in a room, across connections.
    public static func presence(_ room: Room, _ user: UserID) -> Key {
        Key(roomPartition(room), "USER#\(KeyText.ordered(user.text))")
    }

    // Messages

    public static func message(_ partition: String, _ seq: Int64) -> Key { Key(partition, messageSort(seq)) }
    /// Seqs have sixteen digits in keys, so that they sort as numbers do.
    static let highestSeq: Int64 = 9_999_999_999_999_999
    static func messageSort(_ seq: Int64) -> String {
        let digits = String(seq)
        return "MSG#" + String(repeating: "0", count: max(0, 16 - digits.utf8.count)) + digits
    }
    /// What was already sent under a `clientMessageId`, per sender and room or conversation.
    static func deduplication(_ stream: MessageStream, sender: UserID, _ clientMessageID: String) -> Key {
        switch stream {
        case .room:
            Key("SENT#\(stream.partition)#\(KeyText.encode(sender.text))", "ID#\(KeyText.encode(clientMessageID))")
        case .direct(_, let low, _):
            // The partition names both users, which leaves no room for the sender again: a bit says which of them it is.
            Key("SENT#\(stream.partition)", "ID#\(sender == low ? 0 : 1)#\(KeyText.encode(clientMessageID))")
        }
    }

    // What is due

    public static func leasePartition(minute: Int64, shard: Int) -> String { "LEASE#\(minute)#\(shard)" }
    public static func lease(_ id: ConnectionID, minute: Int64) -> Key {
        Key(leasePartition(minute: minute, shard: shard(of: id.text)), "CONN#\(id.text)")
    }
    public static func duePartition(minute: Int64, shard: Int) -> String { "DUE#\(minute)#\(shard)" }
    /// A presence event to be published by `minute` if the handler that decided it did not.
    public static func due(_ id: ConnectionID, _ room: RoomID, minute: Int64) -> Key {
        Key(duePartition(minute: minute, shard: shard(of: id.text)), "CONN#\(id.text)#ROOM#\(room.text)")
    }
    /// How far the sweep has come.
    public static let sweep = Key("SWEEP", meta)

    /// The minute a moment falls in, since the epoch.
    public static func minute(of time: Timestamp) -> Int64 { time.seconds / 60 }

    /// FNV-1a of the UTF-8 bytes: spreads load; nothing relies on it being hard to predict.
    public static func shard(of text: String) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        // FNV's high bits hardly know the last bytes: one more mix spreads ids that end alike.
        hash = (hash ^ hash >> 33) &* 0xff51_afd7_ed55_8ccd
        return Int(hash >> 33) % Limits.indexShards
    }
}
