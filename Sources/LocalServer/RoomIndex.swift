import ChatBroadcast
import ChatModel
import ChatStore
import Gateway
import Synchronization

/// Who is in which room, in memory: follows the table's change feed, so that the fan-out reads no database.
///
/// The feed is called before a write is answered, so a membership that was acknowledged is always here.
final class RoomIndex: RoomFanout {
    private let rooms = Mutex<[String: Members]>([:])
    private let sockets: any RoomSockets

    init(_ sockets: any RoomSockets) { self.sockets = sockets }

    func post(
        _ frame: [UInt8], to room: Room, except: ConnectionID?, upTo users: Int?
    ) async throws(TableError) -> [ConnectionID] {
        guard let members = rooms.withLock({ $0[Keys.roomPartition(room)] }) else { return [] }
        if let users, members.users.count > users { return [] }
        sockets.publish(frame, to: members.topic, except: except)
        return []
    }

    func apply(_ changes: [ItemChange]) {
        for change in changes {
            guard let item = change.new ?? change.old, RoomIndex.isMembership(item),
                (change.old == nil) != (change.new == nil), let member = RoomMember(membership: item)
            else { continue }
            if change.new != nil { enter(item.key.pk, member) } else { leave(item.key.pk, member) }
        }
    }

    /// Connections in a room.
    func count(_ room: Room) -> Int {
        rooms.withLock { $0[Keys.roomPartition(room)]?.users.values.reduce(0, +) } ?? 0
    }

    private func enter(_ partition: String, _ member: RoomMember) {
        let topic = rooms.withLock { rooms in
            rooms[partition, default: Members(topic: sockets.makeTopic())].users[member.userID, default: 0] += 1
            return rooms[partition]!.topic
        }
        sockets.subscribe(member.connectionID, to: topic)
    }

    private func leave(_ partition: String, _ member: RoomMember) {
        let topic = rooms.withLock { rooms -> Topic? in
            guard let connections = rooms[partition]?.users[member.userID] else { return nil }
            let topic = rooms[partition]?.topic
            rooms[partition]?.users[member.userID] = connections > 1 ? connections - 1 : nil
            if rooms[partition]?.users.isEmpty == true { rooms[partition] = nil }
            return topic
        }
        if let topic { sockets.unsubscribe(member.connectionID, from: topic) }
    }

    private static func isMembership(_ item: Item) -> Bool {
        item.key.pk.utf8.starts(with: "ROOM#".utf8) && item.key.sk.utf8.starts(with: "CONN#".utf8)
    }
}

private struct Members {
    let topic: Topic
    /// How many connections each user has in the room.
    var users: [UserID: Int] = [:]
}

/// The part of the gateway that rooms need.
protocol RoomSockets: Sendable {
    func makeTopic() -> Topic
    func subscribe(_ id: ConnectionID, to topic: Topic)
    func unsubscribe(_ id: ConnectionID, from topic: Topic)
    func publish(_ frame: [UInt8], to topic: Topic, except: ConnectionID?)
}
