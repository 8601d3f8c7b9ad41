import ChatModel

/// What ending a connection needs to know of it, also when its own item is gone already.
public struct EndingConnection: Equatable, Sendable {
    public var id: ConnectionID
    public var user: User
    public var rooms: Set<String>
    /// The minutes in which the lease wheel has rows of it, as far as they are known.
    public var wheelMinutes: Set<Int64>
    public var tokenExpiresAt: Timestamp?

    public init(
        id: ConnectionID, user: User, rooms: Set<String>, wheelMinutes: Set<Int64>, tokenExpiresAt: Timestamp? = nil
    ) {
        self.id = id
        self.user = user
        self.rooms = rooms
        self.wheelMinutes = wheelMinutes
        self.tokenExpiresAt = tokenExpiresAt
    }

    /// The same, with one more row of the wheel that is to go.
    public func with(_ wheelMinute: Int64?) -> EndingConnection {
        var ending = self
        if let wheelMinute { ending.wheelMinutes.insert(wheelMinute) }
        return ending
    }

    /// Nil for an item that is no connection.
    public init?(item: Item) {
        guard let connection = Connection(item: item) else { return nil }
        self.init(
            id: connection.id, user: connection.user, rooms: connection.rooms,
            wheelMinutes: Set(item.number("wheelMinute").map { [$0] } ?? []), tokenExpiresAt: connection.tokenExpiresAt)
    }
}

public enum EndClaim: Equatable, Sendable {
    /// The mark is ours: end it and publish.
    case claimed(EndingConnection)
    /// Somebody else has begun to; only the sweep takes that up again.
    case alreadyEnding(EndingConnection)
    /// The condition did not hold: it is not expired, or too young.
    case spared
    case absent
}

/// When a connection may be ended.
public enum EndPolicy: Equatable, Sendable {
    case always
    /// Only if its lease is over by then.
    case ifExpired(Timestamp)
    /// Only if it was connected by then.
    case ifConnectedBy(Timestamp)
}

extension ChatRepository {
    /// Marks a connection ended, which makes every later frame on it `gone` and every join of it fail.
    ///
    /// The condition makes one of all who try the first. The mark carries a name of its own, by which a call that was sent
    /// twice, because its first answer was lost, knows its own mark again. Writes one item.
    public func claimEnd(
        _ id: ConnectionID, _ reason: EndReason, _ policy: EndPolicy
    ) async throws(TableError) -> EndClaim {
        var conditions: [Condition] = [.itemExists, .absent("ended")]
        switch policy {
        case .always: break
        case .ifExpired(let now): conditions.append(.atMost("expiresAt", now.seconds))
        case .ifConnectedBy(let then): conditions.append(.atMost("connectedAt", then.milliseconds))
        }
        let claimant = String(random.next(), radix: 36)
        let update = Update(
            Keys.connection(id), [.set("ended", .string(reason.rawValue)), .set("endedBy", .string(claimant))],
            if: .all(conditions))
        do throws(TableError) {
            let marked = try await table.update(update, returning: .after)
            return marked.flatMap(EndingConnection.init(item:)).map(EndClaim.claimed) ?? .absent
        } catch .conditionFailed(let item) {
            guard let item, let connection = EndingConnection(item: item) else { return .absent }
            if item["ended"] == nil { return .spared }
            return item.string("endedBy") == claimant ? .claimed(connection) : .alreadyEnding(connection)
        }
    }

    /// A connection whose item is gone (the table's TTL was first, or a crash came between): what is left names its rooms.
    public func remains(of id: ConnectionID, _ user: User) async throws(TableError) -> EndingConnection {
        EndingConnection(id: id, user: user, rooms: try await rooms(of: id), wheelMinutes: [])
    }

    /// Deletes an ended connection, its place among the user's and its rows in the wheel: the last step.
    public func finishEnd(_ ending: EndingConnection) async throws(TableError) {
        let userKey = Keys.user(ending.user)
        _ = try await retrying("end") { () async throws(TableError) -> Bool? in
            let stored = try await table.get(userKey, strong: true)
            var actions: [TransactAction] = [.delete(Keys.connection(ending.id), if: nil)]
            for minute in ending.wheelMinutes.sorted() {
                actions.append(.delete(Keys.lease(ending.id, minute: minute), if: nil))
            }
            let connections = stored?.strings("connections") ?? []
            if connections.contains(ending.id.text) {
                // What refuses tokens outlives every connection.
                let isKept = stored?[refusedUntil] != nil
                if connections.count == 1, !isKept {
                    let only = Condition.all([.sizeEquals("connections", 1), .contains("connections", ending.id.text), .absent(refusedUntil)])
                    actions.append(.delete(userKey, if: only))
                } else {
                    // If it has become the last meanwhile, it is the one that deletes the item.
                    let oneOfSeveral = Condition.all([
                        .contains("connections", ending.id.text),
                        isKept ? .exists(refusedUntil) : .not(.sizeEquals("connections", 1)),
                    ])
                    actions.append(.update(Update(userKey, [.delete("connections", [ending.id.text])], if: oneOfSeveral)))
                }
            }
            return try await commit(actions) ? true : nil
        }
    }
}
