import ChatModel

public enum OpenOutcome: Equatable, Sendable {
    case opened
    /// The user is at the cap. `dead` are ids counted there that have ended or expired: end them and try again.
    case full(dead: [ConnectionID])
    /// The user was removed since the token was issued.
    case refused
}

extension ChatRepository {
    /// Stores a new connection with its place among the user's and in the lease wheel, all or nothing.
    ///
    /// Access pattern: `$connect`. Writes three items in one transaction.
    /// - Parameter tokenIssuedAt: seconds since the epoch; nil, for a token that does not say, counts as before any refusal.
    public func open(
        _ connection: Connection, tokenIssuedAt: Int64? = nil
    ) async throws(TableError) -> OpenOutcome {
        let minute = Keys.minute(of: connection.expiresAt)
        let isAccepted = Condition.accepts(tokenIssuedAt: tokenIssuedAt)
        let actions: [TransactAction] = [
            .update(
                Update(
                    Keys.user(connection.user),
                    [
                        .insert("connections", [connection.id.text]), .set("v", formatVersion),
                        .set("tenantId", .string(connection.tenantID.text)),
                        .set("userId", .string(connection.userID.text)),
                    ],
                    if: .all([
                        isAccepted,
                        .any([
                            .absent("connections"), .sizeBelow("connections", settings.connectionsPerUser),
                            .contains("connections", connection.id.text),
                        ]),
                    ]))),
            .put(leaseRow(connection, minute: minute), if: nil),
            .put(connection.item(wheelMinute: minute), if: .itemAbsent),
        ]
        return try await retrying("connect") { () async throws(TableError) -> OpenOutcome? in
            do throws(TableError) {
                try await table.transact(actions)
                return .opened
            } catch .transactionFailed(let outcomes) {
                // Also this very connect, repeated, if the user was removed since the first time.
                if case .failed(let user?) = outcomes[0], !isAccepted.holds(for: user) { return .refused }
                if case .failed(let item?) = outcomes[2] {
                    // Only this very connect, repeated, could have written it: ids are random.
                    return Connection(item: item)?.user == connection.user ? .opened : .full(dead: [])
                }
                let counted = try await counted(of: connection.user)
                // One of them went meanwhile: there is a place.
                guard counted.count >= settings.connectionsPerUser else { return nil }
                let live = try await connections(counted).filter { $0.isLive(at: connection.connectedAt) }
                let dead = Set(counted).subtracting(live.map(\.id))
                return .full(dead: dead.sorted())
            }
        }
    }

    /// One connection, read strongly.
    public func connection(_ id: ConnectionID) async throws(TableError) -> Connection? {
        try await table.get(Keys.connection(id), strong: true).flatMap(Connection.init(item:))
    }

    /// A connection and whatever else a frame's decision needs, in one strong batch read.
    public func session(_ id: ConnectionID, with keys: [Key]) async throws(TableError) -> Session {
        let key = Keys.connection(id)
        let items = try await table.get([key] + keys, strong: true)
        var session = Session()
        for item in items where item.key != key { session.items.insert(item) }
        session.connection = items.first { $0.key == key }.flatMap(Connection.init(item:))
        return session
    }

    /// Begins the lease anew from this frame.
    ///
    /// Access pattern: any frame once a quarter of the lease is spent. Writes one item and no index.
    /// - Parameter tokenExpiresAt: the end of a new token, if the client sent one.
    /// - Returns: the renewed connection, or nil if it has ended or expired meanwhile.
    public func renew(
        _ connection: Connection, tokenExpiresAt: Timestamp? = nil, at now: Timestamp
    ) async throws(TableError) -> Connection? {
        var stored = connection
        let renewed = try await retrying("renew") { () async throws(TableError) -> Connection?? in
            var renewed = stored
            renewed.tokenExpiresAt = tokenExpiresAt ?? stored.tokenExpiresAt
            renewed.expiresAt = leaseEnd(from: now, tokenExpiresAt: renewed.tokenExpiresAt)
            renewed.lastSeen = now
            var clauses: [UpdateClause] = [
                .set("expiresAt", .number(renewed.expiresAt.seconds)), .set("lastSeen", .number(now.milliseconds)),
                .set("tokenExpiresAt", .number(renewed.tokenExpiresAt.seconds)),
            ]
            let unchanged = Condition.equals("tokenExpiresAt", .number(stored.tokenExpiresAt.seconds))
            let isShorter = renewed.expiresAt < stored.expiresAt
            let minute = Keys.minute(of: renewed.expiresAt)
            if isShorter { clauses.append(.set("wheelMinute", .number(minute))) }
            // Renewals may cross: the later end stays.
            let later = Condition.atMost("expiresAt", renewed.expiresAt.seconds)
            let update = Update(
                Keys.connection(stored.id), clauses, if: .all([.live(at: now), unchanged] + (isShorter ? [] : [later])))
            do throws(TableError) {
                if isShorter {
                    // A shorter token: the wheel would come to its row too late. The row there is the sweep's to drop.
                    try await table.transact([.update(update), .put(leaseRow(renewed, minute: minute), if: nil)])
                } else {
                    _ = try await table.update(update, returning: .nothing)
                }
                return .some(renewed)
            } catch {
                let item: Item?
                switch error {
                case .conditionFailed(let found): item = found
                case .transactionFailed(let outcomes):
                    if case .failed(let found) = outcomes[0] { item = found } else { throw error }
                default: throw error
                }
                guard let item, let found = Connection(item: item), found.isLive(at: now) else { return .some(nil) }
                if tokenExpiresAt == nil, found.tokenExpiresAt == stored.tokenExpiresAt { return .some(found) }
                // Another token came meanwhile.
                stored = found
                return nil
            }
        }
        return renewed
    }

    /// Unexpired connections of a user, by the strongly read set on the user's item.
    ///
    /// Access pattern: direct messages.
    public func liveConnections(of user: User, at now: Timestamp) async throws(TableError) -> [Connection] {
        try await connections(counted(of: user)).filter { $0.isLive(at: now) }.sorted { $0.id < $1.id }
    }

    /// The connections that count as a user's, by the user's own item.
    private func counted(of user: User) async throws(TableError) -> [ConnectionID] {
        (try await table.get(Keys.user(user), strong: true)?.strings("connections") ?? []).compactMap(ConnectionID.init)
    }

    private func connections(_ ids: [ConnectionID]) async throws(TableError) -> [Connection] {
        try await table.get(ids.map(Keys.connection), strong: true).compactMap(Connection.init(item:))
    }
}

/// A connection with the items read beside it.
public struct Session: Sendable {
    public var connection: Connection?
    public var items = ReadItems()
}

/// The few items that one read found, by their keys. Access costs O(n), which for so few is quicker than hashing.
public struct ReadItems: Sendable {
    private var items: [Item] = []

    public init() {}

    init(_ items: [Item]) { self.items = items }

    mutating func insert(_ item: Item) { items.append(item) }

    public subscript(_ key: Key) -> Item? { items.first { $0.key == key } }
}

extension Condition {
    /// A connection that is neither ended nor expired.
    static func live(at now: Timestamp) -> Condition {
        .all([.itemExists, .absent("ended"), .atLeast("expiresAt", now.seconds + 1)])
    }
}
