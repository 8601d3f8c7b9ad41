import ChatModel
import Glibc

/// The time of day and the time that only goes forward; tests turn their own.
public protocol GatewayClock: WallClock {
    /// Nanoseconds since some fixed moment; never steps back.
    func monotonicNanoseconds() -> Int64
}

/// The machine's clocks.
public struct MachineClock: GatewayClock {
    public init() {}

    public func now() -> Timestamp { SystemClock().now() }

    public func monotonicNanoseconds() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

extension Duration {
    /// Whole nanoseconds; durations of the gateway are far below the 292 years that fit.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
