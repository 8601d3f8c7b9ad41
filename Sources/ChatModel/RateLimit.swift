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

    /// So many messages a second, and at once as many times more as ``Limits/rateBurst`` is of ``Limits/ratePerSecond``;
    /// 0: no limit.
    public init(messagesPerSecond: Int) {
        self.init(
            perSecond: Double(messagesPerSecond), burst: messagesPerSecond * Limits.rateBurst / Limits.ratePerSecond)
    }

    public static let off = RateLimit(messagesPerSecond: 0)
}

/// A rate with bursts, judged at the moment of each message (the generic cell rate algorithm).
///
/// One that was not asked for as long as its burst takes to come back is as good as new.
public struct TokenBucket: Sendable {
    /// Nanoseconds one message uses up; 0: no limit.
    private let cost: Int64
    private let depth: Int64
    /// When the bucket will be full again.
    private var fullAt: Int64 = .min

    public init(_ limit: RateLimit) {
        cost = limit.perSecond > 0 ? Int64(1_000_000_000 / limit.perSecond) : 0
        depth = cost * Int64(max(1, limit.burst))
    }

    /// Whether a message at this moment, in nanoseconds of any clock, is within the rate; if so it counts.
    public mutating func admits(at now: Int64) -> Bool {
        guard cost > 0 else { return true }
        // A clock that was set back finds the bucket empty at worst, and not in debt.
        fullAt = min(max(fullAt, now), now + depth)
        guard fullAt + cost - now <= depth else { return false }
        fullAt += cost
        return true
    }
}
