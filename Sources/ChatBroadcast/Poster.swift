import ChatModel
import ChatStore

/// The way to sockets: the local gateway's, or API Gateway's `@connections`.
public protocol Poster: Sendable {
    /// Sends one text frame to each connection. Every one is tried; one that is slow or fails does not keep it from the others.
    ///
    /// What a durable queue has taken for a connection counts as sent: it is posted from there.
    func post(_ frame: [UInt8], to connections: [ConnectionID]) async -> Delivery

    /// The same, for a poster whose way depends on how large the room is.
    /// - Parameter size: connections in the room, those included that do not get the frame.
    func post(_ frame: [UInt8], to connections: [ConnectionID], inRoomOf size: Int) async -> Delivery

    /// Closes a connection's socket, if it is still there.
    @discardableResult
    func close(_ connection: ConnectionID, _ code: ServerClose) async -> SocketClosing
}

extension Poster {
    public func post(_ frame: [UInt8], to connections: [ConnectionID], inRoomOf size: Int) async -> Delivery {
        await post(frame, to: connections)
    }
}

/// Whom a post did not reach. Who is in neither list got the frame, as far as the engine can tell.
public struct Delivery: Equatable, Sendable {
    /// They do not exist (410).
    public var gone: [ConnectionID]
    /// They may exist and were not reached, also not by trying again: throttling, time-outs, faults. The poster has logged why.
    public var failed: [ConnectionID]

    public init(gone: [ConnectionID] = [], failed: [ConnectionID] = []) {
        self.gone = gone
        self.failed = failed
    }
}

/// What became of closing a socket.
public enum SocketClosing: Sendable {
    case closed
    /// There is none: it was closed before, or its `$connect` is still running (410).
    case absent
    /// It may be open still. The poster has logged why.
    case failed
}

/// Why the service closes a socket. The local gateway has close codes for it; API Gateway has only DeleteConnection.
public enum ServerClose: UInt16, Sendable {
    /// Come back: the lease is over, or the server goes away.
    case goingAway = 1001
    case tokenExpired = 4401
    /// Do not come back: an operator removed the user.
    case removed = 4403
}
