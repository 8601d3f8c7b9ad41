import Glibc

/// What a client takes from outside of itself beside the network; tests put theirs in its place.
struct Surroundings: Sendable {
    /// Seconds since 1970.
    var wallClock: @Sendable () -> Int64
    var now: @Sendable () -> ContinuousClock.Instant
    /// Returns early when the task is cancelled.
    var sleep: @Sendable (Duration) async -> Void
    var random: @Sendable () -> UInt64

    static let system = Surroundings(
        wallClock: {
            var time = timespec()
            unsafe clock_gettime(CLOCK_REALTIME, &time)
            return Int64(time.tv_sec)
        },
        now: { ContinuousClock.now },
        sleep: { try? await Task.sleep(for: $0) },
        random: { UInt64.random(in: 0...UInt64.max) })
}
