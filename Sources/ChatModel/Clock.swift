import Glibc
import Synchronization

/// Where the time of day comes from; tests turn their own.
public protocol WallClock: Sendable {
    func now() -> Timestamp
}

/// The machine's real-time clock.
public struct SystemClock: WallClock {
    public init() {}
    public func now() -> Timestamp {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}

/// Where random bits come from; the simulator replays a seed.
public protocol RandomSource: Sendable {
    func next() -> UInt64
}

/// The operating system's generator, fit for identifiers that must not be guessed; asked for many numbers at a time, as
/// each question is a system call.
public struct SystemRandom: RandomSource {
    private final class Pool: Sendable {
        let numbers = Mutex<[UInt64]>([])
    }

    private let pool = Pool()
    /// 256 bytes, the most that getentropy(3) gives.
    private static let poolSize = 32

    public init() {}

    public func next() -> UInt64 {
        pool.numbers.withLock { numbers in
            if numbers.isEmpty {
                numbers.append(contentsOf: repeatElement(0, count: Self.poolSize))
                unsafe numbers.withUnsafeMutableBytes { bytes in
                    let code = unsafe getentropy(bytes.baseAddress!, bytes.count)
                    precondition(code == 0, "getentropy")
                }
            }
            return numbers.removeLast()
        }
    }
}

/// Lets a ``RandomSource`` feed the standard library's generic functions.
public struct RandomBits: RandomNumberGenerator {
    let source: any RandomSource
    public init(_ source: any RandomSource) { self.source = source }
    public mutating func next() -> UInt64 { source.next() }
}
