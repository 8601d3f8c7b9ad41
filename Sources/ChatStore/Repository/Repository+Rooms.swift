import ChatModel

public enum JoinOutcome: Equatable, Sendable {
    /// The presence event is there if this is the user's first connection in the room.
    case joined(PendingPresence?)
    case alreadyJoined
    /// Nothing was changed: it is in ``Limits/roomsPerConnection`` rooms.
    case tooManyRooms
    /// Nothing was changed: the connection has ended or expired.
    case gone
}

/// One connection in a room, as the fan-out reads it.
public struct RoomMember: Hashable, Sendable {
    public var connectionID: ConnectionID
    public var userID: UserID
    public init(connectionID: ConnectionID, userID: UserID) {
        self.connectionID = connectionID
        self.userID = userID
    }
}

extension ChatRepository {
    /// Puts a connection into a room, all or nothing: the membership, the room noted on the connection, the user's
    /// presence, and on the first join ever the room itself.
    public func join(
        _ id: ConnectionID, _ user: User, _ room: Room, at now: Timestamp
    ) async throws(TableError) -> JoinOutcome {
        try await retrying("join") { () async throws(TableError) -> JoinOutcome? in
            let session = try await session(id, with: [Keys.room(room), Keys.presence(room, user.id)])
            guard let connection = session.connection, connection.isLive(at: now) else { return .gone }
            if connection.rooms.contains(room.id.text) { return .alreadyJoined }
            guard connection.rooms.count < Limits.roomsPerConnection else { return .tooManyRooms }

            let presence = PresenceItem(
                room: room, userID: user.id, item: session.items[Keys.presence(room, user.id)],
                marks: marksPresence)
            let (entering, event) = presence.entering(id, at: now)
            let pending = event.map { self.pending($0, in: room, by: id, at: now) }
            var actions: [TransactAction] = [
                .update(
                    Update(
                        Keys.connection(id), [.insert("rooms", [room.id.text])],
                        if: .all([
                            .live(at: now),
                            .any([.absent("rooms"), .sizeBelow("rooms", Limits.roomsPerConnection)]),
                        ]))),
                .put(membership(id, user, room, at: now), if: nil),
                .update(entering),
            ]
            if let pending, marksPresence { actions.append(.put(dueRow(pending, at: now), if: nil)) }
            if session.items[Keys.room(room)] == nil {
                actions.append(.put(newRoom(room, seq: 0, at: now), if: .itemAbsent))
            }
            return try await commit(actions) ? .joined(pending) : nil
        }
    }

    /// Takes a connection out of a room. Doing it again, or for a room not joined, changes nothing.
    /// - Parameter noting: whether the room is also struck off the connection's own list; when a connection ends, the
    ///   list goes with it.
    /// - Returns: the presence event if this was the user's last connection in the room.
    public func leave(
        _ id: ConnectionID, _ user: User, _ room: Room, _ reason: EndReason, noting: Bool, at now: Timestamp
    ) async throws(TableError) -> PendingPresence? {
        let outcome = try await retrying("leave") { () async throws(TableError) -> PendingPresence?? in
            let session = try await session(id, with: [Keys.presence(room, user.id)])
            var actions: [TransactAction] = [.delete(Keys.membership(room, id), if: nil)]
            if noting, session.connection?.rooms.contains(room.id.text) == true {
                actions.append(
                    .update(Update(Keys.connection(id), [.delete("rooms", [room.id.text])], if: .itemExists)))
            }
            var pending: PendingPresence?
            let presence = PresenceItem(
                room: room, userID: user.id, item: session.items[Keys.presence(room, user.id)],
                marks: marksPresence)
            if let (leaving, event) = presence.leaving(id, reason, at: now) {
                actions.append(.update(leaving))
                if let event {
                    let decided = self.pending(event, in: room, by: id, at: now)
                    if marksPresence { actions.append(.put(dueRow(decided, at: now), if: nil)) }
                    pending = decided
                }
            }
            return try await commit(actions) ? .some(pending) : nil
        }
        return outcome
    }

    /// Every connection in a room, read strongly.
    ///
    /// Access pattern: fan-out. Reads one item per connection in the room.
    public func members(_ room: Room) async throws(TableError) -> [RoomMember] {
        var members: [RoomMember] = []
        let query = Query(pk: Keys.roomPartition(room), .prefix("CONN#"), strong: true, wanted: ["userId"])
        try await items(query) { item in
            if let member = RoomMember(membership: item) { members.append(member) }
        }
        return members
    }

    /// The rooms of a connection by the index, for one whose own item is gone already.
    func rooms(of id: ConnectionID) async throws(TableError) -> Set<String> {
        var rooms: Set<String> = []
        try await items(Query(.gsi1, pk: Keys.connection(id).pk)) { item in
            if let room = item.gsi1?.sk.split(separator: "#").last { rooms.insert(String(room)) }
        }
        return rooms
    }

    func newRoom(_ room: Room, seq: Int64, at now: Timestamp) -> Item {
        Item(
            Keys.room(room), gsi2: Keys.tenantRooms(room),
            [
                "v": formatVersion, "tenantId": .string(room.tenantID.text), "roomId": .string(room.id.text),
                "seq": .number(seq), "epoch": .string(newEpoch()), "createdAt": .number(now.milliseconds),
            ])
    }

    /// A history's name: made with it, so that a lost one shows.
    func newEpoch() -> String {
        String(random.next(), radix: 36)
    }

    private func membership(_ id: ConnectionID, _ user: User, _ room: Room, at now: Timestamp) -> Item {
        Item(
            Keys.membership(room, id), gsi1: Keys.connectionRooms(id, room),
            [
                "v": formatVersion, "tenantId": .string(user.tenantID.text), "userId": .string(user.id.text),
                "joinedAt": .number(now.milliseconds),
            ])
    }

    /// Whether a transaction went through; false if another writer was quicker and it is to be thought over.
    func commit(_ actions: [TransactAction]) async throws(TableError) -> Bool {
        do throws(TableError) {
            try await table.transact(actions)
            return true
        } catch .transactionFailed {
            return false
        }
    }
}

extension RoomMember {
    /// Nil for an item that is no membership.
    public init?(membership item: Item) {
        guard item.key.sk.utf8.starts(with: "CONN#".utf8),
            let connectionID = ConnectionID(String(item.key.sk.dropFirst(5))),
            let userID = item.string("userId").flatMap(UserID.init)
        else { return nil }
        self.init(connectionID: connectionID, userID: userID)
    }
}
