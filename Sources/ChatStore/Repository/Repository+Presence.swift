import ChatModel

/// The item per room and user: which of the user's connections are in the room, and the event still to be published.
struct PresenceItem {
    let room: Room
    let userID: UserID
    /// Whether events are noted to be published.
    var marks = true
    var connections: Set<String> = []
    var version: Int64?
    /// How often a connection came or went. Each write builds on the one before, so that one whose answer never came, and which
    /// takes effect late, undoes nothing that was done after it.
    var changes: Int64?
    var joinedAt: Timestamp?
    var pending: PresenceEvent?

    init(room: Room, userID: UserID, item: Item?, marks: Bool = true) {
        self.room = room
        self.userID = userID
        self.marks = marks
        guard let item else { return }
        connections = item.strings("connections")
        version = item.number("version")
        changes = item.number("changes")
        joinedAt = item.number("joinedAt").map(Timestamp.init(milliseconds:))
        guard let version, let kind = item.string("pending").flatMap(PresenceEvent.Kind.init) else { return }
        pending = PresenceEvent(
            kind: kind, roomID: room.id, userID: userID, version: version,
            at: Timestamp(milliseconds: item.number("pendingAt") ?? 0),
            reason: item.string("reason").flatMap(EndReason.init))
    }

    /// Above the version before, and above the clock of whoever decided an earlier one that is forgotten by now.
    func nextVersion(at now: Timestamp) -> Int64 { max((version ?? 0) + 1, now.milliseconds) }

    private var unchanged: Condition {
        changes.map { .equals("changes", .number($0)) } ?? .absent("changes")
    }

    private var change: UpdateClause { .set("changes", .number((changes ?? 0) + 1)) }

    /// What the first or a further connection of the user does on entering.
    /// - Returns: the write, and the event if this is the user's first connection here.
    func entering(_ id: ConnectionID, at now: Timestamp) -> (Update, PresenceEvent?) {
        let key = Keys.presence(room, userID)
        guard connections.isEmpty else {
            let others = Condition.all([.exists("connections"), unchanged])
            return (Update(key, [.insert("connections", [id.text]), change], if: others), nil)
        }
        let event = PresenceEvent(
            kind: .join, roomID: room.id, userID: userID, version: nextVersion(at: now), at: now)
        let clauses: [UpdateClause] = [
            .insert("connections", [id.text]), change, .set("version", .number(event.version)),
            .set("joinedAt", .number(now.milliseconds)), .remove("expiresAt"), .set("v", formatVersion),
            .set("tenantId", .string(room.tenantID.text)), .set("userId", .string(userID.text)),
        ] + mark(event)
        return (Update(key, clauses, if: .all([.absent("connections"), unchanged])), event)
    }

    /// What a connection of the user does on leaving; nil if it is not counted here.
    /// - Returns: the write, and the event if this was the user's last connection here.
    func leaving(_ id: ConnectionID, _ reason: EndReason, at now: Timestamp) -> (Update, PresenceEvent?)? {
        guard connections.contains(id.text) else { return nil }
        let key = Keys.presence(room, userID)
        guard connections.count == 1 else {
            let others = Condition.all([.contains("connections", id.text), .not(.sizeEquals("connections", 1)), unchanged])
            return (Update(key, [.delete("connections", [id.text]), change], if: others), nil)
        }
        let event = PresenceEvent(
            kind: .leave, roomID: room.id, userID: userID, version: nextVersion(at: now), at: now, reason: reason)
        let clauses: [UpdateClause] = [
            .remove("connections"), change, .remove("joinedAt"), .set("version", .number(event.version)),
            .set("expiresAt", .number((now + Limits.garbageAge).seconds)),
        ] + mark(event)
        let last = Condition.all([.sizeEquals("connections", 1), .contains("connections", id.text), unchanged])
        return (Update(key, clauses, if: last), event)
    }

    /// Notes the event as one to be published; or, where none are, that there is none.
    private func mark(_ event: PresenceEvent) -> [UpdateClause] {
        guard marks else { return [.remove("pending"), .remove("pendingAt"), .remove("reason")] }
        return [
            .set("pending", .string(event.kind.rawValue)), .set("pendingAt", .number(event.at.milliseconds)),
            event.reason.map { .set("reason", .string($0.rawValue)) } ?? .remove("reason"),
        ]
    }
}

/// A presence event that was decided and not yet published, with the row that will remind the sweep of it.
public struct PendingPresence: Equatable, Sendable {
    public var tenantID: TenantID
    public var event: PresenceEvent
    /// Whose coming or going it was; not among those told.
    public var connectionID: ConnectionID
    public var due: Key

    public var room: Room { Room(tenantID, event.roomID) }
}

extension Member {
    /// Nil for an item that is no presence of a user who is in the room.
    public init?(presence item: Item) {
        guard let userID = item.string("userId").flatMap(UserID.init), !item.strings("connections").isEmpty,
            let version = item.number("version"), let joinedAt = item.number("joinedAt")
        else { return nil }
        self.init(userID: userID, joinedAt: Timestamp(milliseconds: joinedAt), version: version)
    }
}

extension ChatRepository {
    func pending(_ event: PresenceEvent, in room: Room, by id: ConnectionID, at now: Timestamp) -> PendingPresence {
        let minute = Keys.minute(of: now + Limits.publishGrace)
        return PendingPresence(
            tenantID: room.tenantID, event: event, connectionID: id, due: Keys.due(id, room.id, minute: minute))
    }

    func dueRow(_ pending: PendingPresence, at now: Timestamp) -> Item {
        Item(
            pending.due,
            [
                "v": formatVersion, "tenantId": .string(pending.tenantID.text),
                "roomId": .string(pending.event.roomID.text), "userId": .string(pending.event.userID.text),
                "connectionId": .string(pending.connectionID.text), "version": .number(pending.event.version),
                "dueAt": .number((now + Limits.publishGrace).milliseconds),
            ])
    }

    /// Notes that every member was tried, so that the sweep has nothing left to do. A newer event's mark stays.
    public func published(_ pending: PendingPresence) async throws(TableError) {
        guard marksPresence else { return }
        let update = Update(
            Keys.presence(pending.room, pending.event.userID),
            [.remove("pending"), .remove("pendingAt"), .remove("reason")],
            if: .all([.exists("pending"), .equals("version", .number(pending.event.version))]))
        do throws(TableError) {
            _ = try await table.update(update, returning: .nothing)
        } catch .conditionFailed {
        }
        try await dropDue(pending.due, pending.event.version)
    }

    /// Deletes a due row, unless a newer event has taken its place.
    func dropDue(_ key: Key, _ version: Int64) async throws(TableError) {
        do throws(TableError) {
            _ = try await table.delete(key, if: .equals("version", .number(version)))
        } catch .conditionFailed {
        }
    }

    /// The users of a room in order of their ids, a page at a time, strongly.
    func presenceItems(_ room: Room, _ body: (PresenceItem) -> Void) async throws(TableError) {
        try await items(Query(pk: Keys.roomPartition(room), .prefix("USER#"), strong: true)) { item in
            guard let userID = item.string("userId").flatMap(UserID.init) else { return }
            let presence = PresenceItem(room: room, userID: userID, item: item)
            if !presence.connections.isEmpty { body(presence) }
        }
    }

    /// Who is in a room: the first `limit` distinct users by id, and how many there are.
    ///
    /// Access pattern: `joined`. Reads one item per user of the room.
    public func roster(_ room: Room, limit: Int) async throws(TableError) -> (members: [Member], count: Int) {
        var members: [Member] = []
        var count = 0
        try await presenceItems(room) { presence in
            count += 1
            guard members.count < limit, let version = presence.version, let joinedAt = presence.joinedAt else { return }
            members.append(Member(userID: presence.userID, joinedAt: joinedAt, version: version))
        }
        return (members, count)
    }
}
