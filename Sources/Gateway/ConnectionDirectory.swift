import ChatModel
import Synchronization

/// Every open connection by its id, for callers on any thread. Sharded, so that they rarely meet.
final class ConnectionDirectory: Sendable {
    private final class Shard: Sendable {
        let connections = Mutex<[ConnectionID: GatewayConnection]>([:])
    }

    private let shards = (0..<64).map { _ in Shard() }
    private let open = Atomic<Int>(0)

    var count: Int { open.load(ordering: .relaxed) }

    func insert(_ connection: GatewayConnection) {
        shard(connection.id).connections.withLock { $0[connection.id] = connection }
        open.add(1, ordering: .relaxed)
    }

    func remove(_ id: ConnectionID) {
        let removed = shard(id).connections.withLock { $0.removeValue(forKey: id) }
        if removed != nil { open.subtract(1, ordering: .relaxed) }
    }

    subscript(_ id: ConnectionID) -> GatewayConnection? {
        shard(id).connections.withLock { $0[id] }
    }

    /// The ids are random: a byte of the text spreads them as well as a hash.
    private func shard(_ id: ConnectionID) -> Shard {
        shards[Int(id.text.utf8.first ?? 0) % shards.count]
    }
}
