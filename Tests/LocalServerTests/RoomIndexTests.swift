import ChatBroadcast
import ChatModel
import ChatStore
import Gateway
import MemoryTable
import Synchronization
import Testing

@testable import LocalServer

/// The index of members follows the table.
@Suite struct RoomIndexTests {
    @Test(arguments: 1...5, [true, false])
    func `it is the table's own answer after any changes`(seed: UInt64, marks: Bool) async throws {
        let sockets = RecordingSockets(), index = RoomIndex(sockets)
        let table = MemoryTable(onCommit: { index.apply($0) })
        let repository = ChatRepository(table: table, settings: Settings(), marksPresence: marks)
        let tenant = TenantID("t")!, now = Timestamp(seconds: 1_800_000_000)
        let rooms = ["r", "s"].compactMap { RoomID($0) }.map { Room(tenant, $0) }
        let ids = (1...12).compactMap { ConnectionID("c\($0)=") }
        for (number, id) in ids.enumerated() {
            let connection = Connection(
                id: id, tenantID: tenant, userID: UserID("u\(number % 4)")!, connectedAt: now, expiresAt: now + 600,
                lastSeen: now, tokenExpiresAt: now + 600)
            _ = try await repository.open(connection)
        }
        var state = seed
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        for _ in 1...200 {
            let number = next(ids.count), room = rooms[next(2)]
            let user = User(tenant, UserID("u\(number % 4)")!)
            if next(2) == 0 {
                _ = try await repository.join(ids[number], user, room, at: now)
            } else {
                _ = try await repository.leave(ids[number], user, room, .left, noting: true, at: now)
            }
            for room in rooms {
                let members = try await repository.members(room)
                #expect(index.count(room) == members.count)
                _ = try await index.post([UInt8(ascii: "x")], to: room, except: nil, upTo: nil, moreFollows: false)
                #expect(sockets.takePublished() == members.map(\.connectionID).sorted())
                for limit in [2, 200] {
                    let (known, stored) = (try await index.roster(room, limit: limit), try await repository.roster(room, limit: limit))
                    #expect(known.members == stored.members && known.count == stored.count)
                }
                let users = Set(members.map(\.userID)).count
                _ = try await index.post([UInt8(ascii: "x")], to: room, except: nil, upTo: users - 1, moreFollows: false)
                #expect(sockets.takePublished() == [])
            }
        }
    }

    @Test func `the same membership twice is one, and what is no membership is none`() async throws {
        let sockets = RecordingSockets(), index = RoomIndex(sockets), room = Room(TenantID("t")!, RoomID("r")!)
        let member = Item(Keys.membership(room, ConnectionID("c=")!), ["userId": .string("u")])
        index.apply([ItemChange(old: nil, new: member), ItemChange(old: member, new: member)])
        index.apply([ItemChange(old: nil, new: Item(Keys.message(Keys.roomPartition(room), 1), ["userId": .string("u")]))])
        index.apply([ItemChange(old: nil, new: Item(Keys.presence(room, UserID("u")!), ["userId": .string("u")]))])
        #expect(index.count(room) == 1)
        index.apply([ItemChange(old: member, new: nil), ItemChange(old: member, new: nil)])
        #expect(index.count(room) == 0)
    }
}

/// Remembers who is in which topic instead of having sockets.
private final class RecordingSockets: RoomSockets {
    private struct State {
        var members: [ObjectIdentifier: Set<ConnectionID>] = [:]
        /// Kept, so that no other topic gets the same identity.
        var topics: [Topic] = []
        var published: [ConnectionID] = []
    }

    private let state = Mutex(State())

    func makeTopic() -> Topic {
        let topic = Topic()
        state.withLock { $0.topics.append(topic) }
        return topic
    }

    func subscribe(_ id: ConnectionID, to topic: Topic) {
        state.withLock { state in
            let isNew = state.members[ObjectIdentifier(topic), default: []].insert(id).inserted
            #expect(isNew)
        }
    }

    func unsubscribe(_ id: ConnectionID, from topic: Topic) {
        state.withLock { _ = $0.members[ObjectIdentifier(topic)]?.remove(id) }
    }

    func publish(_ frame: [UInt8], to topic: Topic, except: ConnectionID?, moreFollows: Bool) {
        state.withLock { $0.published = $0.members[ObjectIdentifier(topic), default: []].sorted() }
    }

    func takePublished() -> [ConnectionID] {
        state.withLock { state in
            defer { state.published = [] }
            return state.published
        }
    }
}
