import ChatModel
import ChatStore

/// The way to sockets: the local gateway's, or API Gateway's `@connections`.
public protocol Poster: Sendable {
    /// Sends one text frame to each connection. Every one is tried; one that is slow or fails does not keep it from the others.
    /// - Returns: the connections that do not exist (410).
    func post(_ frame: [UInt8], to connections: [ConnectionID]) async -> [ConnectionID]

    /// Closes a connection's socket, if it is still there.
    func close(_ connection: ConnectionID, _ code: ServerClose) async
}

/// Why the service closes a socket. The local gateway has close codes for it; API Gateway has only DeleteConnection.
public enum ServerClose: UInt16, Sendable {
    /// Come back: the lease is over, or the server goes away.
    case goingAway = 1001
    case tokenExpired = 4401
    /// Do not come back: an operator removed the user.
    case removed = 4403
}

/// The way to everyone in a room. It reaches every membership that was written before it is asked.
public protocol RoomFanout: Sendable {
    /// Sends one text frame to every connection in a room but one.
    /// - Parameter users: nothing is sent when more different users than this are in the room; nil: no limit.
    /// - Returns: the connections that do not exist (410).
    func post(
        _ frame: [UInt8], to room: Room, except: ConnectionID?, upTo users: Int?
    ) async throws(TableError) -> [ConnectionID]
}

/// The fan-out that reads the room's members from the table.
public struct TableFanout: RoomFanout {
    private let repository: ChatRepository
    private let poster: any Poster

    public init(_ repository: ChatRepository, _ poster: any Poster) {
        self.repository = repository
        self.poster = poster
    }

    public func post(
        _ frame: [UInt8], to room: Room, except: ConnectionID?, upTo users: Int?
    ) async throws(TableError) -> [ConnectionID] {
        let members = try await repository.members(room)
        if let users, members.count > users, Set(members.map(\.userID)).count > users { return [] }
        let connections = members.map(\.connectionID).filter { $0 != except }
        return connections.isEmpty ? [] : await poster.post(frame, to: connections)
    }
}
