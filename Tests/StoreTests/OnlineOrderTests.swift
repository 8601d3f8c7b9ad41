import ChatModel
import MemoryTable
import Testing

@testable import ChatStore

/// `online`, merged over shards and pages.
@Suite struct OnlineOrderTests {
    static let now = Timestamp(seconds: 1_800_000_000)
    let tenant = TenantID("acme")!
    let room = RoomID("lobby")!

    private func repository(pageSize: Int, _ users: [UserID], perUser: Int) async throws -> ChatRepository {
        let repository = ChatRepository(table: MemoryTable(pageSize: pageSize), settings: Settings())
        for (index, user) in users.enumerated() {
            for number in 0..<perUser {
                guard let id = ConnectionID("c\(index)-\(number)=") else { continue }
                let connection = Connection(
                    id: id, tenantID: tenant, userID: user, connectedAt: Self.now, expiresAt: Self.now + 600,
                    lastSeen: Self.now, tokenExpiresAt: Self.now + 600)
                #expect(try await repository.open(connection) == .opened)
                _ = try await repository.join(id, User(tenant, user), Room(tenant, room), at: Self.now)
            }
        }
        return repository
    }

    @Test(arguments: [1, 2, 3, 1000], [1, 2, 5, 100])
    func `users come in the order of their bytes, each once, whatever the pages`(pageSize: Int, limit: Int) async throws {
        let users = KeyTests.users
        let repository = try await repository(pageSize: pageSize, users.reversed(), perUser: 2)
        for place in [nil, room] {
            var seen: [OnlineUser] = []
            while true {
                let page = try await repository.online(tenant, place, after: seen.last?.userID, limit: limit, at: Self.now)
                #expect(page.users.count == limit || !page.more)
                seen += page.users
                guard page.more else { break }
                try #require(seen.count < users.count, "more said and no more there")
            }
            #expect(seen.map(\.userID) == users.sorted())
            #expect(seen.allSatisfy { $0.connections == 2 })
            #expect(try await repository.everyoneOnline(tenant, place, at: Self.now) == seen)
        }
    }

    @Test func `a page begins after an id that nobody has`() async throws {
        let repository = try await repository(pageSize: 2, ["a", "c", "c d", "e"].compactMap { UserID($0) }, perUser: 1)
        for place in [nil, room] {
            let page = try await repository.online(tenant, place, after: UserID("c!"), limit: 10, at: Self.now)
            #expect(page.users.map(\.userID.text) == ["e"])
            let before = try await repository.online(tenant, place, after: UserID("b"), limit: 10, at: Self.now)
            #expect(before.users.map(\.userID.text) == ["c", "c d", "e"] && !before.more)
        }
    }

    @Test func `the expired are passed over and fill no page`() async throws {
        let repository = try await repository(pageSize: 3, (0..<60).compactMap { UserID("dead-\($0)") }, perUser: 1)
        let later = Self.now + 700
        let last = Connection(
            id: ConnectionID("z=")!, tenantID: tenant, userID: UserID("zoe")!, connectedAt: later, expiresAt: later + 600,
            lastSeen: later, tokenExpiresAt: later + 600)
        _ = try await repository.open(last)
        let page = try await repository.online(tenant, after: nil, limit: 1, at: later)
        #expect(page.users.map(\.userID.text) == ["zoe"] && !page.more)
    }

    @Test(arguments: [1, 7, 1000]) func `every connection of a tenant is found and none of another`(pageSize: Int) async throws {
        let repository = try await repository(pageSize: pageSize, KeyTests.users, perUser: 3)
        let ids = try await repository.tenantConnections(tenant)
        #expect(ids.count == KeyTests.users.count * 3 && Set(ids).count == ids.count)
        #expect(try await repository.tenantConnections(TenantID("acme2")!) == [])
    }

    @Test(arguments: [1, 2, 1000]) func `members and roster are whole over pages`(pageSize: Int) async throws {
        let repository = try await repository(pageSize: pageSize, KeyTests.users, perUser: 2)
        let members = try await repository.members(Room(tenant, room))
        #expect(members.count == KeyTests.users.count * 2 && Set(members.map(\.userID)) == Set(KeyTests.users))
        let roster = try await repository.roster(Room(tenant, room), limit: 5)
        #expect(roster.members.map(\.userID) == Array(KeyTests.users.sorted().prefix(5)))
        #expect(roster.count == KeyTests.users.count)
    }
}
