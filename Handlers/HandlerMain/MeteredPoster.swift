import ChatBroadcast
import ChatModel
import Metrics

/// Counts what became of posts.
struct MeteredPoster: Poster {
    private let poster: any Poster
    private let metrics: Metrics

    init(_ poster: any Poster, _ metrics: Metrics) {
        self.poster = poster
        self.metrics = metrics
    }

    func post(_ frame: [UInt8], to connections: [ConnectionID]) async -> Delivery {
        let delivery = await poster.post(frame, to: connections)
        metrics.add(.postsSent, connections.count - delivery.gone.count - delivery.failed.count)
        metrics.add(.postsGone, delivery.gone.count)
        metrics.add(.postsFailed, delivery.failed.count)
        return delivery
    }

    func close(_ connection: ConnectionID, _ code: ServerClose) async -> SocketClosing { await poster.close(connection, code) }
}
