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
