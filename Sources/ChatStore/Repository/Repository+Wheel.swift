import ChatModel

/// A row of the lease wheel that has come up: this connection's lease may be over.
public struct DueLease: Equatable, Sendable {
    public var id: ConnectionID
    public var user: User
    public var minute: Int64
    /// What tells this row from one that is written in its place.
    var mark: String?
}

/// A row that has come up: this event may not have been published.
public struct DuePresence: Equatable, Sendable {
    public var room: Room
    public var userID: UserID
    public var connectionID: ConnectionID
    public var version: Int64
    public var dueAt: Timestamp
    public var key: Key
}

/// One bucket of what is due: a minute and a shard of it.
public struct Bucket: Hashable, Sendable {
    public var minute: Int64
    public var shard: Int
    public init(minute: Int64, shard: Int) {
        self.minute = minute
        self.shard = shard
    }
}

extension ChatRepository {
    func leaseRow(_ connection: Connection, minute: Int64) -> Item {
        leaseRow(connection.id, connection.user, minute: minute)
    }

    private func leaseRow(_ id: ConnectionID, _ user: User, minute: Int64) -> Item {
        Item(
            Keys.lease(id, minute: minute),
            [
                "v": formatVersion, "tenantId": .string(user.tenantID.text), "userId": .string(user.id.text),
                "mark": .string(String(random.next(), radix: 36)),
            ])
    }

    /// The minute that the sweep has to begin with: every one before is empty. Nil before the first sweep.
    public func sweptMinute() async throws(TableError) -> Int64? {
        try await table.get(Keys.sweep, strong: true)?.number("minute")
    }

    public func setSweptMinute(_ minute: Int64) async throws(TableError) {
        try await table.put(Item(Keys.sweep, ["v": formatVersion, "minute": .number(minute)]), if: nil)
    }

    public func dueLeases(_ bucket: Bucket) async throws(TableError) -> [DueLease] {
        var due: [DueLease] = []
        let partition = Keys.leasePartition(minute: bucket.minute, shard: bucket.shard)
        try await items(Query(pk: partition, .prefix("CONN#"), strong: true)) { item in
            guard let id = ConnectionID.inPartition(item.key.sk), let user = User(item: item) else { return }
            due.append(DueLease(id: id, user: user, minute: bucket.minute, mark: item.string("mark")))
        }
        return due
    }

    public func duePresence(_ bucket: Bucket) async throws(TableError) -> [DuePresence] {
        var due: [DuePresence] = []
        let partition = Keys.duePartition(minute: bucket.minute, shard: bucket.shard)
        try await items(Query(pk: partition, strong: true)) { item in
            guard let user = User(item: item), let room = item.string("roomId").flatMap(RoomID.init),
                let connection = item.string("connectionId").flatMap(ConnectionID.init),
                let version = item.number("version"), let dueAt = item.number("dueAt")
            else { return }
            due.append(
                DuePresence(
                    room: Room(user.tenantID, room), userID: user.id, connectionID: connection, version: version,
                    dueAt: Timestamp(milliseconds: dueAt), key: item.key))
        }
        return due
    }

    /// The connections of due rows, as their own items are now, by id.
    public func connections(_ due: [DueLease]) async throws(TableError) -> [ConnectionID: Connection] {
        var connections: [ConnectionID: Connection] = [:]
        for item in try await table.get(due.map { Keys.connection($0.id) }, strong: true) {
            if let connection = Connection(item: item) { connections[connection.id] = connection }
        }
        return connections
    }

    /// Moves the row of a renewed lease to the minute it now ends in: the new row first, so that it is never without one.
    ///
    /// A token that became shorter meanwhile has a row of its own, perhaps in this very place: its mark keeps that one.
    /// - Returns: false if the connection has ended or its lease become shorter since it was read: then the row stays.
    public func moveLease(_ due: DueLease, of connection: Connection) async throws(TableError) -> Bool {
        let minute = Keys.minute(of: connection.expiresAt)
        try await table.put(leaseRow(due.id, due.user, minute: minute), if: nil)
        let note = Update(
            Keys.connection(due.id), [.set("wheelMinute", .number(minute))],
            if: .all([.absent("ended"), .atLeast("expiresAt", connection.expiresAt.seconds)]))
        do throws(TableError) {
            _ = try await table.update(note, returning: .nothing)
        } catch .conditionFailed {
            return false
        }
        let isSame = due.mark.map { Condition.equals("mark", .string($0)) } ?? .absent("mark")
        do throws(TableError) {
            _ = try await table.delete(Keys.lease(due.id, minute: due.minute), if: isSame)
        } catch .conditionFailed {
        }
        return true
    }

    /// The event a due row reminds of, if it is still to be published; otherwise the row is dropped.
    public func unpublished(_ due: DuePresence) async throws(TableError) -> PendingPresence? {
        let item = try await table.get(Keys.presence(due.room, due.userID), strong: true)
        let presence = PresenceItem(room: due.room, userID: due.userID, item: item)
        guard let event = presence.pending, event.version == due.version else {
            try await dropDue(due.key, due.version)
            return nil
        }
        return PendingPresence(
            tenantID: due.room.tenantID, event: event, connectionID: due.connectionID, due: due.key)
    }
}

extension User {
    fileprivate init?(item: Item) {
        guard let tenantID = item.string("tenantId").flatMap(TenantID.init),
            let userID = item.string("userId").flatMap(UserID.init)
        else { return nil }
        self.init(tenantID, userID)
    }
}
