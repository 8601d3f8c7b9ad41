import ChatBroadcast
import ChatModel
import ChatStore
import Gateway
import Synchronization

/// Who is in which room, in memory: follows the table's change feed, so that neither a fan-out nor a roster reads the
/// database.
///
/// The feed is called before a write is answered, so a membership that was acknowledged is always here.
package final class RoomIndex: RoomDirectory {
    private let rooms = Mutex<[String: Members]>([:])
    private let sockets: any RoomSockets

    package init(_ sockets: any RoomSockets) { self.sockets = sockets }

    package func post(
        _ frame: [UInt8], to room: Room, except: ConnectionID?, upTo users: Int?, moreFollows: Bool
    ) async throws(TableError) -> [ConnectionID] {
        let topic = rooms.withLock { rooms -> Topic? in
            guard let members = rooms[Keys.roomPartition(room)] else { return nil }
            return members.roster.count <= users ?? .max ? members.topic : nil
        }
        if let topic { sockets.publish(frame, to: topic, except: except, moreFollows: moreFollows) }
        return []
    }

    package func roster(_ room: Room, limit: Int) async throws(TableError) -> (members: [Member], count: Int) {
        rooms.withLock { rooms in
            let roster = rooms[Keys.roomPartition(room)]?.roster ?? []
            return (Array(roster.prefix(limit)), roster.count)
        }
    }

    package func apply(_ changes: [ItemChange]) {
        for change in changes {
            guard let item = change.new ?? change.old, item.key.pk.utf8.starts(with: "ROOM#".utf8) else { continue }
            if item.key.sk.utf8.starts(with: "CONN#".utf8) {
                guard (change.old == nil) != (change.new == nil), let member = RoomMember(membership: item) else { continue }
                if change.new != nil { enter(item.key.pk, member.connectionID) } else { leave(item.key.pk, member.connectionID) }
            } else if item.key.sk.utf8.starts(with: "USER#".utf8) {
                note(item.key.pk, change)
            }
        }
    }

    /// Connections in a room.
    func count(_ room: Room) -> Int { rooms.withLock { $0[Keys.roomPartition(room)]?.connections ?? 0 } }

    private func enter(_ partition: String, _ id: ConnectionID) {
        let topic = rooms.withLock { rooms in
            rooms[partition, default: Members(topic: sockets.makeTopic())].connections += 1
            return rooms[partition]!.topic
        }
        sockets.subscribe(id, to: topic)
    }

    private func leave(_ partition: String, _ id: ConnectionID) {
        let topic = rooms.withLock { rooms -> Topic? in
            guard let topic = rooms[partition]?.topic else { return nil }
            rooms[partition]?.connections -= 1
            RoomIndex.tidy(&rooms, partition)
            return topic
        }
        if let topic { sockets.unsubscribe(id, from: topic) }
    }

    /// Takes a user into the roster or out of it.
    private func note(_ partition: String, _ change: ItemChange) {
        let old = change.old.flatMap(Member.init(presence:)), new = change.new.flatMap(Member.init(presence:))
        guard let userID = new?.userID ?? old?.userID, old != new else { return }
        rooms.withLock { rooms in
            if new == nil, rooms[partition] == nil { return }
            rooms[partition, default: Members(topic: sockets.makeTopic())].set(userID, new)
            RoomIndex.tidy(&rooms, partition)
        }
    }

    private static func tidy(_ rooms: inout [String: Members], _ partition: String) {
        if let members = rooms[partition], members.connections == 0, members.roster.isEmpty { rooms[partition] = nil }
    }
}

private struct Members {
    let topic: Topic
    /// The distinct users, by id.
    private(set) var roster: [Member] = []
    var connections = 0

    init(topic: Topic) { self.topic = topic }

    /// O(log n) to find the place, O(n) to move what is behind it.
    mutating func set(_ userID: UserID, _ member: Member?) {
        var low = 0, high = roster.count
        while low < high {
            let middle = (low + high) / 2
            if roster[middle].userID < userID { low = middle + 1 } else { high = middle }
        }
        let isThere = low < roster.count && roster[low].userID == userID
        switch (isThere, member) {
        case (true, let member?): roster[low] = member
        case (true, nil): roster.remove(at: low)
        case (false, let member?): roster.insert(member, at: low)
        case (false, nil): break
        }
    }
}

/// The part of the gateway that rooms need.
package protocol RoomSockets: Sendable {
    func makeTopic() -> Topic
    func subscribe(_ id: ConnectionID, to topic: Topic)
    func unsubscribe(_ id: ConnectionID, from topic: Topic)
    func publish(_ frame: [UInt8], to topic: Topic, except: ConnectionID?, moreFollows: Bool)
}
