import Synchronization

/// What a client has done so far.
public struct AWSCounts: Equatable, Sendable {
    /// Requests that were asked for.
    public var calls = 0
    /// Attempts after a request's first.
    public var retries = 0
    /// Answers that said: too often.
    public var throttles = 0

    public init(calls: Int = 0, retries: Int = 0, throttles: Int = 0) {
        (self.calls, self.retries, self.throttles) = (calls, retries, throttles)
    }
}

/// Of one service.
final class AWSCounters: Sendable {
    let calls = Atomic(0)
    let retries = Atomic(0)
    let throttles = Atomic(0)

    var counts: AWSCounts {
        AWSCounts(
            calls: calls.load(ordering: .relaxed), retries: retries.load(ordering: .relaxed),
            throttles: throttles.load(ordering: .relaxed))
    }
}
