import ChatModel
import Synchronization

/// Every connection by its id, for callers on any thread. Sharded, so that they rarely meet.
final class ConnectionDirectory: Sendable {
    private struct Connections {
        var open: [ConnectionID: GatewayConnection] = [:]
        /// Their `$connect` is still running.
        var connecting: [ConnectionID: GatewayConnection] = [:]
    }

    private final class Shard: Sendable {
        let connections = Mutex(Connections())
    }

    private let shards = (0..<64).map { _ in Shard() }
    private let open = Atomic<Int>(0)

    var count: Int { open.load(ordering: .relaxed) }

    func insertConnecting(_ connection: GatewayConnection) {
        shard(connection.id).connections.withLock { $0.connecting[connection.id] = connection }
    }

    func insert(_ connection: GatewayConnection) {
        shard(connection.id).connections.withLock { connections in
            connections.connecting[connection.id] = nil
            connections.open[connection.id] = connection
        }
        open.add(1, ordering: .relaxed)
    }

    func remove(_ id: ConnectionID) {
        let removed = shard(id).connections.withLock { connections in
            connections.connecting[id] = nil
            return connections.open.removeValue(forKey: id)
        }
        if removed != nil { open.subtract(1, ordering: .relaxed) }
    }

    /// One that is open.
    subscript(_ id: ConnectionID) -> GatewayConnection? {
        shard(id).connections.withLock { $0.open[id] }
    }

    /// One that is open, or will be if it is let in.
    func find(_ id: ConnectionID) -> GatewayConnection? {
        shard(id).connections.withLock { $0.open[id] ?? $0.connecting[id] }
    }

    /// The ids are random: a byte of the text spreads them as well as a hash.
    private func shard(_ id: ConnectionID) -> Shard {
        shards[Int(id.text.utf8.first ?? 0) % shards.count]
    }
}
