/// A rate with bursts, judged at the moment of each message (the generic cell rate algorithm).
struct TokenBucket {
    /// Nanoseconds one message uses up; 0: no limit.
    private let cost: Int64
    private let depth: Int64
    /// When the bucket will be full again.
    private var fullAt: Int64 = .min

    init(_ limit: RateLimit) {
        cost = limit.perSecond > 0 ? Int64(1_000_000_000 / limit.perSecond) : 0
        depth = cost * Int64(max(1, limit.burst))
    }

    /// Whether a message at this moment is within the rate; if so it counts.
    mutating func admits(at now: Int64) -> Bool {
        guard cost > 0 else { return true }
        let next = max(fullAt, now) + cost
        guard next - now <= depth else { return false }
        fullAt = next
        return true
    }
}

/// Messages a connection may send.
public struct RateLimit: Sendable, Equatable {
    /// Messages a second in the long run; 0: no limit.
    public var perSecond: Double
    /// Messages at once.
    public var burst: Int

    public init(perSecond: Double, burst: Int) {
        self.perSecond = perSecond
        self.burst = burst
    }
}
