import ChatBroadcast
import ChatModel
import Logs

/// Leaves the fan-out of a large room to the `Fanout` function, in shards, through a queue; small ones it hands on.
///
/// What the queue took is durable and comes until it was posted or lies in the dead-letter queue, so it counts as sent: presence
/// is published with it. What the queue would not take is posted here, so that nothing is lost with the queue.
public struct FanoutPoster: Poster {
    /// Connections in a room up to which frames are posted directly (`FANOUT_THRESHOLD`).
    public static let threshold = 200

    /// Posts itself.
    public let direct: any Poster
    private let queue: FanoutQueue
    private let threshold: Int
    private let onQueued: @Sendable (Int) -> Void
    private let log: Log

    /// - Parameter onQueued: told how many connections' frame the queue took.
    public init(
        direct: any Poster, queue: FanoutQueue, threshold: Int = FanoutPoster.threshold,
        onQueued: @escaping @Sendable (Int) -> Void = { _ in }, log: Log
    ) {
        self.direct = direct
        self.queue = queue
        self.threshold = threshold
        self.onQueued = onQueued
        self.log = log
    }

    /// Receivers in the queue are in neither list of the result: the `Fanout` function finds the gone among them.
    public func post(_ frame: [UInt8], to connections: [ConnectionID]) async -> Delivery {
        await post(frame, to: connections, inRoomOf: connections.count)
    }

    public func post(_ frame: [UInt8], to connections: [ConnectionID], inRoomOf size: Int) async -> Delivery {
        guard size > threshold else { return await direct.post(frame, to: connections) }
        let left = await queue.send(frame, to: connections)
        onQueued(connections.count - left.count)
        guard !left.isEmpty else { return Delivery() }
        log.warning("posted without the queue", ["connections": left.count, "of": connections.count])
        return await direct.post(frame, to: left)
    }

    @discardableResult
    public func close(_ connection: ConnectionID, _ code: ServerClose) async -> SocketClosing { await direct.close(connection, code) }
}
