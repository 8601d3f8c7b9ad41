import ChatModel
import Synchronization

/// How fast each connection sends, as far as this instance sees its frames.
///
/// Bounded by ``Limits/ratedConnections``, in two generations: what has not sent since half as many others did is forgotten,
/// and begins with a full burst.
final class MessageRates: Sendable {
    private struct State {
        var recent: [ConnectionID: TokenBucket] = [:]
        var older: [ConnectionID: TokenBucket] = [:]
    }

    private let limit: RateLimit
    private let capacity: Int
    private let state = Mutex(State())

    init(_ limit: RateLimit, capacity: Int = Limits.ratedConnections) {
        self.limit = limit
        self.capacity = capacity
    }

    /// Whether a frame of this connection is within the rate now; if so it counts.
    func admit(_ id: ConnectionID, at now: Timestamp) -> Bool {
        guard limit.perSecond > 0 else { return true }
        return state.withLock { state in
            var bucket = state.recent[id] ?? state.older.removeValue(forKey: id) ?? TokenBucket(limit)
            let isAdmitted = bucket.admits(at: now.milliseconds * 1_000_000)
            if state.recent.count >= capacity / 2, state.recent[id] == nil {
                state.older = state.recent
                state.recent = [:]
            }
            state.recent[id] = bucket
            return isAdmitted
        }
    }

    /// Connections it remembers.
    var count: Int { state.withLock { $0.recent.count + $0.older.count } }
}
