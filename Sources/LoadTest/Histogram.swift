/// How often which duration came, in buckets of constant relative width: 64 to each power of two.
///
/// What it answers is within 0.8 % of the true value (and exact below 128 ns); recording is O(1) and allocates nothing.
public struct Histogram: Sendable, Equatable {
    private static let perOctave = 64
    private var buckets = [UInt64](repeating: 0, count: perOctave * 59)
    public private(set) var count = 0
    public private(set) var max: Int64 = 0
    private var sum = 0.0

    public init() {}

    /// Records nanoseconds; less than none is none.
    public mutating func record(_ nanoseconds: Int64) {
        let value = Swift.max(0, nanoseconds)
        buckets[Self.index(UInt64(value))] += 1
        count += 1
        sum += Double(value)
        if value > max { max = value }
    }

    public mutating func add(_ other: Histogram) {
        guard other.count > 0 else { return }
        for index in buckets.indices { buckets[index] += other.buckets[index] }
        count += other.count
        sum += other.sum
        max = Swift.max(max, other.max)
    }

    public var mean: Double { count == 0 ? 0 : sum / Double(count) }

    /// The duration that this share of the recorded (0...1) does not exceed; 0 of an empty histogram.
    public func quantile(_ share: Double) -> Int64 {
        guard count > 0 else { return 0 }
        let rank = Swift.min(count, Swift.max(1, Int((share * Double(count)).rounded(.up))))
        var seen = 0
        for (index, bucket) in buckets.enumerated() where bucket > 0 {
            seen += Int(bucket)
            if seen >= rank { return Swift.min(max, Self.middle(index)) }
        }
        return max
    }

    private static func index(_ value: UInt64) -> Int {
        guard value >= 128 else { return Int(value) }
        // The top seven bits are the mantissa, 64 to 127.
        let shift = 57 - value.leadingZeroBitCount
        return shift * perOctave + Int(value >> UInt64(shift))
    }

    private static func middle(_ index: Int) -> Int64 {
        guard index >= 128 else { return Int64(index) }
        let shift = index / perOctave - 1
        let mantissa = index - shift * perOctave
        return Int64(mantissa) << Int64(shift) + (1 << Int64(shift)) / 2
    }
}
