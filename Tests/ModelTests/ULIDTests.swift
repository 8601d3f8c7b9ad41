import ChatModel
import Testing

struct ULIDTests {
    private struct Constant: RandomNumberGenerator {
        var bits: UInt64
        mutating func next() -> UInt64 { bits }
    }

    @Test(arguments: [
        (0, 0, "00000000000000000000000000"), (0, .max, "0000000000ZZZZZZZZZZZZZZZZ"),
        (1_469_918_176_385, 0, "01ARYZ6S410000000000000000"), (1_795_268_240_000, 1, "01M7Z56RM00000000100000001"),
        (281_474_976_710_655, .max, "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"),
    ] as [(Int64, UInt64, String)])
    func `48 bits of time come before 80 random ones`(milliseconds: Int64, bits: UInt64, text: String) {
        var random = Constant(bits: bits)
        #expect(ULID.make(at: Timestamp(milliseconds: milliseconds), using: &random) == text)
    }

    @Test func `a later one sorts behind, whatever its random bits`() {
        var (highest, lowest) = (Constant(bits: .max), Constant(bits: 0))
        for step in [Int64(1), 31, 32, 1023, 1024, 86_400_000] {
            let earlier = ULID.make(at: Timestamp(milliseconds: 1_795_268_240_000), using: &highest)
            let later = ULID.make(at: Timestamp(milliseconds: 1_795_268_240_000 + step), using: &lowest)
            #expect(bytesPrecede(earlier, later))
        }
    }

    @Test func `a thousand of one millisecond are different and use the alphabet`() {
        var random = SystemRandomNumberGenerator()
        let alphabet = Set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
        let made = (0..<1000).map { _ in ULID.make(at: Timestamp(seconds: 1_795_268_240), using: &random) }
        #expect(Set(made).count == 1000)
        #expect(made.allSatisfy { $0.utf8.count == 26 && $0.hasPrefix("01M7Z56RM0") && $0.allSatisfy(alphabet.contains) })
    }
}
