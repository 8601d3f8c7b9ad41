import ChatModel
import ChatStore
import Synchronization

/// Whose connection is whose, as this instance has seen: it never changes, and knowing it saves a round trip.
final class IdentityCache: Sendable {
    /// Connections remembered; when full, all are forgotten, which costs each one read.
    static let capacity = 50_000

    private let users = Mutex<[ConnectionID: User]>([:])

    subscript(_ id: ConnectionID) -> User? { users.withLock { $0[id] } }

    func remember(_ connection: Connection) {
        users.withLock { users in
            if users.count >= IdentityCache.capacity { users.removeAll(keepingCapacity: true) }
            users[connection.id] = User(connection.tenantID, connection.userID)
        }
    }

    func forget(_ id: ConnectionID) {
        users.withLock { _ = $0.removeValue(forKey: id) }
    }
}
