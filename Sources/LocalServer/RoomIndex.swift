import ChatBroadcast
import ChatModel
import ChatStore
import Synchronization

/// Who is in which room, in memory: follows the table's change feed, so that the fan-out reads no database.
///
/// The feed is called before a write is answered, so a membership that was acknowledged is always here.
final class RoomIndex: MemberSource {
    private let rooms = Mutex<[String: Roster]>([:])

    func members(_ room: Room) async throws(TableError) -> [RoomMember] {
        rooms.withLock { $0[Keys.roomPartition(room)]?.members } ?? []
    }

    func apply(_ changes: [ItemChange]) {
        let memberships = changes.filter { ($0.new ?? $0.old).map(RoomIndex.isMembership) == true }
        guard !memberships.isEmpty else { return }
        rooms.withLock { rooms in
            for change in memberships {
                if let item = change.new, let member = RoomMember(membership: item) {
                    rooms[item.key.pk, default: Roster()].insert(member)
                } else if change.new == nil, let item = change.old, let member = RoomMember(membership: item) {
                    rooms[item.key.pk]?.remove(member.connectionID)
                    if rooms[item.key.pk]?.members.isEmpty == true { rooms[item.key.pk] = nil }
                }
            }
        }
    }

    private static func isMembership(_ item: Item) -> Bool {
        item.key.pk.utf8.starts(with: "ROOM#".utf8) && item.key.sk.utf8.starts(with: "CONN#".utf8)
    }
}

/// The members of one room: an array to fan out over, and where each stands in it.
private struct Roster {
    private(set) var members: [RoomMember] = []
    private var places: [ConnectionID: Int] = [:]

    mutating func insert(_ member: RoomMember) {
        guard places[member.connectionID] == nil else { return }
        places[member.connectionID] = members.count
        members.append(member)
    }

    mutating func remove(_ id: ConnectionID) {
        guard let place = places.removeValue(forKey: id) else { return }
        let last = members.removeLast()
        guard last.connectionID != id else { return }
        members[place] = last
        places[last.connectionID] = place
    }
}
