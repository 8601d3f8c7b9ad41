import ChatModel
import Synchronization

/// A stream of chance: the same seed gives the same numbers.
///
/// SplitMix64 (https://prng.di.unimi.it/splitmix64.c).
public struct Chance: Sendable {
    private var state: UInt64

    public init(_ seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// A stream of its own, which what is drawn from this one later does not change.
    mutating func branch() -> Chance { Chance(next()) }

    mutating func below(_ bound: Int) -> Int { Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(bound)).high) }
    mutating func within(_ range: ClosedRange<Int>) -> Int { range.lowerBound + below(range.count) }
    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }
    mutating func isOne(in count: Int) -> Bool { below(count) == 0 }

    /// Whether something happens that happens so many times in ten thousand.
    mutating func strikes(_ tenThousandths: Int) -> Bool { tenThousandths > 0 && below(10_000) < tenThousandths }
}

/// Chance as the service asks for it.
package final class SeededRandom: RandomSource {
    private let chance: Mutex<Chance>

    init(_ chance: Chance) { self.chance = Mutex(chance) }
    package convenience init(_ seed: UInt64) { self.init(Chance(seed)) }

    package func next() -> UInt64 { chance.withLock { $0.next() } }
}
