extension [UInt8] {
    /// The bytes, cut before each of the ascending indices; repeated ones give empty pieces.
    public func pieces(_ cuts: [Int]) -> [[UInt8]] {
        zip([0] + cuts, cuts + [count]).map { Array(self[$0..<$1]) }
    }

    /// Up to `most` places to cut at, anywhere.
    public func randomCuts(_ most: Int, using random: inout SeededGenerator) -> [Int] {
        (0..<Int.random(in: 0...most, using: &random)).map { _ in Int.random(in: 0...count, using: &random) }.sorted()
    }
}

/// A small generator whose runs repeat (SplitMix64).
public struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    public init(state: UInt64) {
        self.state = state
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Two answers that must be one, or an answer that cannot be.
public struct Contradiction: Error, CustomStringConvertible {
    public let description: String

    public init(description: String) {
        self.description = description
    }
}

/// Throws a ``Contradiction`` unless `condition` holds.
public func require(_ condition: Bool, _ description: @autoclosure () -> String) throws(Contradiction) {
    guard condition else { throw Contradiction(description: description()) }
}
