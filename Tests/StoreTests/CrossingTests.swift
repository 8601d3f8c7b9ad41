import ChatModel
import ChatStore
import MemoryTable
import Testing

/// Writes that cross others, and writes that take effect long after they were given up.
@Suite struct CrossingTests {
    private let table = InterposedTable()
    private let repository: ChatRepository
    private let user = User(TenantID("acme")!, UserID("alice")!)
    private let room = Room(TenantID("acme")!, RoomID("lobby")!)
    private let start = Timestamp(milliseconds: 1_795_268_240_000)

    init() {
        var settings = Settings()
        settings.connectionsPerUser = 2
        repository = ChatRepository(table: table, settings: settings)
    }

    private func connection(_ id: String) -> Connection {
        Connection(
            id: ConnectionID(id)!, tenantID: user.tenantID, userID: user.id, connectedAt: start, expiresAt: start + 600,
            lastSeen: start, tokenExpiresAt: start + 3600)
    }

    // The cap

    @Test func `a connect at the cap takes the place that is freed before it has looked`() async throws {
        for id in ["a=", "b="] { #expect(try await repository.open(connection(id)) == .opened) }
        table.beforeUserRead { [repository] in
            guard case .claimed(let ending)? = try? await repository.claimEnd(ConnectionID("a=")!, .disconnected, .always) else {
                Issue.record("nobody made room")
                return
            }
            try? await repository.finishEnd(ending)
        }
        #expect(try await repository.open(connection("c=")) == .opened)
        #expect(try await repository.liveConnections(of: user, at: start).map(\.id.text) == ["b=", "c="])
        #expect(try await repository.open(connection("d=")) == .full(dead: []), "and no more than that")
    }

    // Presence

    @Test(arguments: [false, true], [false, true])
    func `a leave or a join that takes effect late undoes nothing that was done after it`(isJoin: Bool, besideAnother: Bool) async throws {
        let id = ConnectionID("a=")!
        for name in ["a=", "b="] { #expect(try await repository.open(connection(name)) == .opened) }
        if besideAnother { _ = try await repository.join(ConnectionID("b=")!, user, room, at: start) }

        func enter() async throws { _ = try await repository.join(id, user, room, at: start) }
        func leave() async throws { _ = try await repository.leave(id, user, room, .left, noting: true, at: start) }
        try await enter()
        if !isJoin { try await leave() }
        let late = table.last
        if isJoin {
            try await leave()
        } else {
            try await enter()
        }

        let before = table.memory.allItems()
        await #expect(throws: TableError.self) { try await table.memory.transact(late) }
        #expect(table.memory.allItems() == before)
        #expect(try await repository.members(room).contains { $0.connectionID == id } == !isJoin)
    }

    // Renewals

    private var stored: Connection {
        get async throws { try #require(try await repository.connection(ConnectionID("a=")!)) }
    }

    @Test func `of two renewals that cross the later end stays, and is what the slow one answers`() async throws {
        let read = connection("a=")
        #expect(try await repository.open(read) == .opened)
        table.beforeLease { [repository, start] in _ = try? await repository.renew(read, at: start + 202) }
        #expect(try await repository.renew(read, at: start + 200)?.expiresAt == start + 802)
        #expect(try await stored.expiresAt == start + 802)
        #expect(try await stored.lastSeen == start + 202)
    }

    @Test(arguments: [100, 7200] as [Int64], [false, true])
    func `a renewal that crosses a new token keeps the token's end`(seconds: Int64, isRenewalSlow: Bool) async throws {
        let read = connection("a=")
        #expect(try await repository.open(read) == .opened)
        let now = start + 200
        let token = now + Seconds(seconds)
        table.beforeLease { [repository] in
            _ = try? await repository.renew(read, tokenExpiresAt: isRenewalSlow ? token : nil, at: isRenewalSlow ? now : now + 2)
        }
        let answered = try await repository.renew(read, tokenExpiresAt: isRenewalSlow ? nil : token, at: now)
        let kept = try await stored
        #expect(kept.tokenExpiresAt == token && answered?.tokenExpiresAt == token)
        #expect(kept.expiresAt == min(token, now + 600) && answered?.expiresAt == kept.expiresAt)
    }
}
