import ChatModel
import MemoryTable
import Synchronization
import Testing

@testable import ChatStore

/// Presence where a crash of the handlers takes the sockets with it: the same events, and nothing kept to remind of them.
@Suite struct UnmarkedPresenceTests {
    private let changes = Changes()
    private let repository: ChatRepository
    private let room = Room(TenantID("t")!, RoomID("r")!)
    private let now = Timestamp(seconds: 1_800_000_000)

    init() {
        repository = ChatRepository(
            table: MemoryTable(onCommit: { [changes] in changes.add($0) }), settings: Settings(), marksPresence: false)
    }

    private func connect(_ id: String, _ user: String) async throws -> (ConnectionID, User) {
        let connection = Connection(
            id: ConnectionID(id)!, tenantID: room.tenantID, userID: UserID(user)!, connectedAt: now, expiresAt: now + 600,
            lastSeen: now, tokenExpiresAt: now + 600)
        _ = try await repository.open(connection)
        return (connection.id, connection.user)
    }

    @Test func `the first in and the last out are events with rising versions`() async throws {
        let (first, user) = try await connect("a=", "alice"), (second, _) = try await connect("b=", "alice")
        var events: [PresenceEvent] = []
        func note(_ outcome: JoinOutcome) { if case .joined(let pending?) = outcome { events.append(pending.event) } }
        note(try await repository.join(first, user, room, at: now))
        note(try await repository.join(second, user, room, at: now))
        #expect(try await repository.leave(first, user, room, .left, noting: true, at: now) == nil)
        let left = try await repository.leave(second, user, room, .left, noting: true, at: now)
        events.append(try #require(left).event)
        note(try await repository.join(first, user, room, at: now))
        #expect(events.map(\.kind) == [.join, .leave, .join])
        #expect(events.map(\.reason) == [nil, .left, nil])
        #expect(zip(events, events.dropFirst()).allSatisfy { $0.version < $1.version })
    }

    @Test func `joining and publishing write no mark and no due row`() async throws {
        let (id, user) = try await connect("a=", "alice")
        changes.clear()
        guard case .joined(let pending?) = try await repository.join(id, user, room, at: now) else {
            Issue.record("no event")
            return
        }
        try await repository.published(pending)
        let written = changes.all.compactMap(\.new)
        #expect(written.map(\.key.sk).sorted() == ["CONN#a=", "META", "META", "USER#alice"])
        #expect(written.allSatisfy { $0["pending"] == nil })
    }

    @Test func `a mark that an earlier run left is not taken for one of now`() async throws {
        let table = MemoryTable()
        let marking = ChatRepository(table: table, settings: Settings())
        let plain = ChatRepository(table: table, settings: Settings(), marksPresence: false)
        let connection = Connection(
            id: ConnectionID("a=")!, tenantID: room.tenantID, userID: UserID("alice")!, connectedAt: now,
            expiresAt: now + 600, lastSeen: now, tokenExpiresAt: now + 600)
        _ = try await marking.open(connection)
        _ = try await marking.join(connection.id, connection.user, room, at: now)
        _ = try await plain.leave(connection.id, connection.user, room, .left, noting: true, at: now)
        let item = try #require(try await table.get(Keys.presence(room, connection.userID), strong: true))
        #expect(item["pending"] == nil && item["reason"] == nil)
    }
}

private final class Changes: Sendable {
    private let seen = Mutex<[ItemChange]>([])
    func add(_ changes: [ItemChange]) { seen.withLock { $0 += changes } }
    func clear() { seen.withLock { $0 = [] } }
    var all: [ItemChange] { seen.withLock { $0 } }
}
