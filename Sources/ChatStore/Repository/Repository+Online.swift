import ChatModel

/// One page of who is online.
public struct OnlinePage: Equatable, Sendable {
    public var users: [OnlineUser]
    /// Whether users come after the last one.
    public var more: Bool
}

extension ChatRepository {
    /// Users of a tenant with an unexpired connection, in order of their ids, after `after`.
    ///
    /// Access pattern: `online`. Merges the shards of the tenant's index and reads the leases in batches; what the
    /// index still lists and has ended is left out.
    public func online(
        _ tenant: TenantID, after: UserID?, limit: Int, at now: Timestamp
    ) async throws(TableError) -> OnlinePage {
        var shards: [ShardReader] = []
        for shard in 0..<Limits.indexShards {
            shards.append(ShardReader(tenant: tenant, shard: shard, after: after))
        }
        var users: [OnlineUser] = []
        while users.count <= limit {
            var candidates: [(user: UserID, ids: [ConnectionID])] = []
            while candidates.count < limit + 1 - users.count + 8 {
                guard let next = try await nextUser(&shards) else { break }
                candidates.append(next)
            }
            if candidates.isEmpty { break }
            users += try await withLeases(candidates, at: now)
        }
        return OnlinePage(users: Array(users.prefix(limit)), more: users.count > limit)
    }

    /// Users in a room with an unexpired connection there, in order of their ids, after `after`.
    public func online(
        _ room: Room, after: UserID?, limit: Int, at now: Timestamp
    ) async throws(TableError) -> OnlinePage {
        let start = after.map { Keys.presence(room, $0).sk } ?? "USER#"
        var query = Query(pk: Keys.roomPartition(room), .between(start, "USER$"), strong: true, limit: limit + 1)
        var users: [OnlineUser] = []
        repeat {
            let page = try await table.query(query)
            var candidates: [(user: UserID, ids: [ConnectionID])] = []
            for item in page.items {
                guard let userID = item.string("userId").flatMap(UserID.init), userID != after else { continue }
                let ids = item.strings("connections").sorted().compactMap(ConnectionID.init)
                if !ids.isEmpty { candidates.append((userID, ids)) }
            }
            users += try await withLeases(candidates, at: now)
            query.after = page.next
        } while query.after != nil && users.count <= limit
        return OnlinePage(users: Array(users.prefix(limit)), more: users.count > limit)
    }

    /// A page of the users online in a room or, without one, in the whole tenant.
    public func online(
        _ tenant: TenantID, _ room: RoomID?, after: UserID?, limit: Int, at now: Timestamp
    ) async throws(TableError) -> OnlinePage {
        guard let room else { return try await online(tenant, after: after, limit: limit, at: now) }
        return try await online(Room(tenant, room), after: after, limit: limit, at: now)
    }

    /// Everybody online, page after page.
    public func everyoneOnline(
        _ tenant: TenantID, _ room: RoomID?, at now: Timestamp
    ) async throws(TableError) -> [OnlineUser] {
        var users: [OnlineUser] = []
        while true {
            let page = try await online(tenant, room, after: users.last?.userID, limit: Limits.onlinePage, at: now)
            users += page.users
            if !page.more { return users }
        }
    }

    /// Every connection of a tenant that its index lists, in pages.
    ///
    /// Access pattern: `everyone`.
    public func tenantConnections(_ tenant: TenantID) async throws(TableError) -> [ConnectionID] {
        var ids: [ConnectionID] = []
        for shard in 0..<Limits.indexShards {
            try await items(Query(.gsi2, pk: Keys.tenantPartition(tenant, shard: shard), .prefix("USER#"))) { item in
                if let id = ConnectionID.inPartition(item.key.pk) { ids.append(id) }
            }
        }
        return ids
    }

    private func withLeases(
        _ candidates: [(user: UserID, ids: [ConnectionID])], at now: Timestamp
    ) async throws(TableError) -> [OnlineUser] {
        let keys = candidates.flatMap { $0.ids.map(Keys.connection) }
        var live: [ConnectionID: Connection] = [:]
        for item in try await table.get(keys, strong: true) {
            if let connection = Connection(item: item), connection.isLive(at: now) { live[connection.id] = connection }
        }
        return candidates.compactMap { candidate in
            let connections = candidate.ids.compactMap { live[$0] }
            guard let lastSeen = connections.map(\.lastSeen).max() else { return nil }
            return OnlineUser(userID: candidate.user, connections: connections.count, lastSeen: lastSeen)
        }
    }

    /// The next user over all shards, with the connections the index lists. One user is in one shard only.
    private func nextUser(
        _ shards: inout [ShardReader]
    ) async throws(TableError) -> (user: UserID, ids: [ConnectionID])? {
        for index in shards.indices { try await shards[index].fill(from: table) }
        guard let lowest = shards.indices.filter({ shards[$0].head != nil })
            .min(by: { shards[$0].head!.user < shards[$1].head!.user }), let user = shards[lowest].head?.user
        else { return nil }
        var ids: [ConnectionID] = []
        while let head = shards[lowest].head, head.user == user {
            ids.append(head.id)
            shards[lowest].pop()
            try await shards[lowest].fill(from: table)
        }
        return (user, ids)
    }
}

/// One shard of a tenant's index, read page by page as the merge needs it.
private struct ShardReader {
    private var query: Query?
    private var buffer: [(user: UserID, id: ConnectionID)] = []
    private var position = 0

    init(tenant: TenantID, shard: Int, after: UserID?) {
        // `$` is the byte after the `#` that ends a user id in the key: past all connections of that user.
        let start = after.map { String(Keys.tenantUserPrefix($0).dropLast()) + "$" } ?? "USER#"
        query = Query(
            .gsi2, pk: Keys.tenantPartition(tenant, shard: shard), .between(start, "USER$"), limit: 100)
    }

    var head: (user: UserID, id: ConnectionID)? { position < buffer.count ? buffer[position] : nil }

    mutating func pop() { position += 1 }

    mutating func fill(from table: any Table) async throws(TableError) {
        while position == buffer.count, let page = query {
            let result = try await table.query(page)
            buffer = result.items.compactMap { item in
                guard let id = ConnectionID.inPartition(item.key.pk),
                    let user = item.string("userId").flatMap(UserID.init)
                else { return nil }
                return (user, id)
            }
            position = 0
            query = result.next.map { next in
                var following = page
                following.after = next
                return following
            }
        }
    }
}

extension ConnectionID {
    /// The id in a connection's partition key, `CONN#id`.
    public static func inPartition(_ pk: String) -> ConnectionID? {
        guard pk.utf8.starts(with: "CONN#".utf8) else { return nil }
        return ConnectionID(String(pk.dropFirst(5)))
    }
}
