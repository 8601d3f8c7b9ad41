import ChatModel
import Synchronization

/// A clock that moves only when a test turns it. Begins off a whole second, where rounding shows.
final class ManualClock: WallClock {
    static let start = Timestamp(milliseconds: 1_800_000_000_400)

    private let time = Mutex(ManualClock.start)

    func now() -> Timestamp { time.withLock { $0 } }
    func advance(milliseconds: Int64) { time.withLock { $0.milliseconds += milliseconds } }
}
