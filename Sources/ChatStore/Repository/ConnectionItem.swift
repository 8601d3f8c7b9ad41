import ChatModel

/// The format version every item carries as `v`.
let formatVersion = AttributeValue.number(1)

extension Connection {
    var user: User { User(tenantID, userID) }

    /// The stored connection. `wheelMinute` is the minute of its row in the lease wheel.
    func item(wheelMinute: Int64) -> Item {
        var item = Item(
            Keys.connection(id), gsi1: Keys.userConnections(user, id), gsi2: Keys.tenantConnections(user, id),
            [
                "v": formatVersion,
                "connectionId": .string(id.text),
                "tenantId": .string(tenantID.text),
                "userId": .string(userID.text),
                "connectedAt": .number(connectedAt.milliseconds),
                "lastSeen": .number(lastSeen.milliseconds),
                "expiresAt": .number(expiresAt.seconds),
                "tokenExpiresAt": .number(tokenExpiresAt.seconds),
                "wheelMinute": .number(wheelMinute),
            ])
        if !roles.isEmpty { item["roles"] = .strings(Set(roles)) }
        if !rooms.isEmpty { item["rooms"] = .strings(rooms) }
        if let allowedRooms {
            item["restricted"] = .number(1)
            if !allowedRooms.isEmpty { item["allowedRooms"] = .strings(Set(allowedRooms)) }
        }
        if let ended { item["ended"] = .string(ended.rawValue) }
        return item
    }

    /// Nil for an item that is no connection of a version known here.
    public init?(item: Item) {
        guard let id = item.string("connectionId").flatMap(ConnectionID.init),
            let tenantID = item.string("tenantId").flatMap(TenantID.init),
            let userID = item.string("userId").flatMap(UserID.init),
            let connectedAt = item.number("connectedAt"), let expiresAt = item.number("expiresAt")
        else { return nil }
        self.init(
            id: id, tenantID: tenantID, userID: userID, connectedAt: Timestamp(milliseconds: connectedAt),
            expiresAt: Timestamp(seconds: expiresAt),
            lastSeen: Timestamp(milliseconds: item.number("lastSeen") ?? connectedAt),
            tokenExpiresAt: Timestamp(seconds: item.number("tokenExpiresAt") ?? expiresAt),
            allowedRooms: item.number("restricted") == nil ? nil : item.strings("allowedRooms").sorted(),
            roles: item.strings("roles").sorted(), rooms: item.strings("rooms"),
            ended: item.string("ended").flatMap(EndReason.init))
    }
}
