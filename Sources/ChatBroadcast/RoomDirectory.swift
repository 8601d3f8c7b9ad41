import ChatModel
import ChatStore

/// Who is in a room, and the way to all of them. It knows every membership that was written before it is asked.
public protocol RoomDirectory: Sendable {
    /// Sends one text frame to every connection in a room but one.
    /// - Parameters:
    ///   - users: nothing is sent when more different users than this are in the room; nil: no limit.
    ///   - moreFollows: another frame for the room is about to be sent: this one may wait a moment and leave with it.
    /// - Returns: the connections that do not exist (410).
    func post(
        _ frame: [UInt8], to room: Room, except: ConnectionID?, upTo users: Int?, moreFollows: Bool
    ) async throws(TableError) -> [ConnectionID]

    /// The first `limit` distinct users in a room by id, and how many there are.
    func roster(_ room: Room, limit: Int) async throws(TableError) -> (members: [Member], count: Int)
}

/// The directory that reads the table each time.
public struct TableRooms: RoomDirectory {
    private let repository: ChatRepository
    private let poster: any Poster

    public init(_ repository: ChatRepository, _ poster: any Poster) {
        self.repository = repository
        self.poster = poster
    }

    public func post(
        _ frame: [UInt8], to room: Room, except: ConnectionID?, upTo users: Int?, moreFollows: Bool
    ) async throws(TableError) -> [ConnectionID] {
        let members = try await repository.members(room)
        if let users, members.count > users, Set(members.map(\.userID)).count > users { return [] }
        let connections = members.map(\.connectionID).filter { $0 != except }
        return connections.isEmpty ? [] : await poster.post(frame, to: connections, inRoomOf: members.count).gone
    }

    public func roster(_ room: Room, limit: Int) async throws(TableError) -> (members: [Member], count: Int) {
        try await repository.roster(room, limit: limit)
    }
}
