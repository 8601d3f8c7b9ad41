/// Universally unique, lexicographically sortable identifiers (https://github.com/ulid/spec): 48 bits of milliseconds
/// and 80 random bits in 26 characters of Crockford's base 32.
public enum ULID {
    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

    public static func make(at time: Timestamp, using random: inout some RandomNumberGenerator) -> String {
        let high = UInt64(truncatingIfNeeded: time.milliseconds) & 0xFFFF_FFFF_FFFF
        let middle = random.next() & 0xFF_FFFF_FFFF
        let low = random.next() & 0xFF_FFFF_FFFF
        var text: [UInt8] = []
        text.reserveCapacity(26)
        for (value, digits) in [(high, 10), (middle, 8), (low, 8)] {
            for digit in 0..<digits {
                text.append(alphabet[Int(value >> UInt64(5 * (digits - 1 - digit)) & 31)])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
