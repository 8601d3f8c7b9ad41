/// Base64 as RFC 4648 has it, in one canonical form: every byte string has exactly one encoding that decodes.
public enum Base64 {
    public enum Alphabet: Sendable, Equatable {
        /// `+` and `/` (section 4).
        case standard
        /// `-` and `_`, safe in URLs and file names (section 5).
        case url

        fileprivate var last: (UInt8, UInt8) {
            switch self {
            case .standard: (UInt8(ascii: "+"), UInt8(ascii: "/"))
            case .url: (UInt8(ascii: "-"), UInt8(ascii: "_"))
            }
        }
    }

    public static func encode(_ bytes: [UInt8], alphabet: Alphabet, padding: Bool) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var index = 0
        while index < bytes.count {
            let taken = min(3, bytes.count - index)
            var group: UInt32 = 0
            for offset in 0..<3 {
                group = group << 8 | (offset < taken ? UInt32(bytes[index + offset]) : 0)
            }
            for digit in 0...taken {
                text.append(character(UInt8(truncatingIfNeeded: group >> (18 - 6 * digit)) & 0x3F, alphabet))
            }
            if padding {
                for _ in taken..<3 { text.append(UInt8(ascii: "=")) }
            }
            index += taken
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes, or nil unless `text` is exactly what `encode` makes of them: other characters, white space, missing
    /// or unwanted padding and trailing bits that are not zero are refused.
    public static func decode(_ text: Span<UInt8>, alphabet: Alphabet, padding: Bool) -> [UInt8]? {
        var end = text.count
        if padding {
            guard end % 4 == 0 else { return nil }
            if end > 0, text[end - 1] == UInt8(ascii: "=") { end -= 1 }
            if end > 0, end % 4 == 3, text[end - 1] == UInt8(ascii: "=") { end -= 1 }
        }
        guard end % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(end * 3 / 4)
        var group: UInt32 = 0
        var bits: UInt32 = 0
        for index in 0..<end {
            guard let sextet = value(text[index], alphabet) else { return nil }
            group = group << 6 | UInt32(sextet)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: group >> bits))
                group &= 1 << bits - 1
            }
        }
        return group == 0 ? bytes : nil
    }

    public static func decode(_ text: String, alphabet: Alphabet, padding: Bool) -> [UInt8]? {
        decode(text.utf8.span, alphabet: alphabet, padding: padding)
    }

    private static func character(_ value: UInt8, _ alphabet: Alphabet) -> UInt8 {
        switch value {
        case 0..<26: UInt8(ascii: "A") + value
        case 26..<52: UInt8(ascii: "a") + value - 26
        case 52..<62: UInt8(ascii: "0") + value - 52
        case 62: alphabet.last.0
        default: alphabet.last.1
        }
    }

    private static func value(_ character: UInt8, _ alphabet: Alphabet) -> UInt8? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
        case alphabet.last.0: 62
        case alphabet.last.1: 63
        default: nil
        }
    }
}
