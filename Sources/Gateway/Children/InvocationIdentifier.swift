/// Ids in Lambda's forms.
enum InvocationIdentifier {
    /// A random UUID (RFC 9562 section 5.4).
    static func make() -> String {
        let digits = hex(.random(in: .min ... .max) & ~0xF000 | 0x4000) + hex(.random(in: .min ... .max) & ~(3 << 62) | 2 << 62)
        var parts: [Substring] = []
        var rest = digits[...]
        for length in [8, 4, 4, 4, 12] {
            parts.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        return parts.joined(separator: "-")
    }

    /// An X-Ray trace header for a sampled-out trace that begins at `seconds` since the epoch.
    static func trace(seconds: Int64) -> String {
        let start = String(UInt32(truncatingIfNeeded: seconds), radix: 16)
        let random = hex(.random(in: .min ... .max)) + hex(.random(in: .min ... .max)).prefix(8)
        return "Root=1-\(start)-\(random);Sampled=0"
    }

    private static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
