/// The open loop's timetable: message `n` is due at a time that nothing the server does can change.
///
/// Messages go round the rooms, and in each room round its senders.
struct Schedule: Sendable, Equatable {
    /// Nanoseconds of the monotonic clock.
    let start: Int64
    private let interval: Double
    let count: Int

    init(start: Int64, perSecond: Double, duration: Double) {
        self.start = start
        interval = perSecond > 0 ? 1e9 / perSecond : 0
        count = perSecond > 0 ? Int((perSecond * duration).rounded()) : 0
    }

    /// From the number and not from the time before, so that no rounding adds up.
    func time(of number: Int) -> Int64 { start + Int64(Double(number) * interval) }
}
