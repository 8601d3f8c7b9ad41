import ChatModel
import Synchronization

/// A clock that moves only when a test turns it. Begins off a whole second, where rounding shows.
final class ManualClock: WallClock {
    static let start = Timestamp(milliseconds: 1_800_000_000_400)

    private let time = Mutex(ManualClock.start)

    func now() -> Timestamp { time.withLock { $0 } }
    func advance(milliseconds: Int64) { time.withLock { $0.milliseconds += milliseconds } }
}

/// SplitMix64: the same seed gives the same run (https://prng.di.unimi.it/splitmix64.c).
final class SeededRandom: RandomSource {
    private let state: Mutex<UInt64>

    init(_ seed: UInt64) { state = Mutex(seed) }

    func next() -> UInt64 {
        state.withLock { state in
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
            return mixed ^ mixed >> 31
        }
    }
}
