/// Checks UTF-8 in pieces of any size, and refuses at the first byte after which no text could be valid
/// (the well-formed sequences of Unicode, table 3-7).
struct UTF8Validator: Sendable {
    /// Continuation bytes that the sequence begun still needs.
    private var missing = 0
    /// What its next byte may be. Only the second byte of a sequence is narrower than 80–BF: that is what
    /// excludes overlong forms, surrogates and scalars above U+10FFFF.
    private var allowed: ClosedRange<UInt8> = 0x80...0xBF

    /// Whether the bytes so far end with a whole scalar.
    var isComplete: Bool { missing == 0 }

    /// Takes the bytes from `start` on; false when they cannot be part of a valid text, after which the
    /// validator is of no more use.
    mutating func accepts(_ bytes: [UInt8], from start: Int) -> Bool {
        unsafe bytes.withUnsafeBytes { buffer in
            var index = start
            while index < buffer.count {
                if missing == 0 {
                    unsafe Self.skipASCII(buffer, &index)
                    guard index < buffer.count else { return true }
                    guard begin(unsafe buffer[index]) else { return false }
                } else {
                    guard allowed.contains(unsafe buffer[index]) else { return false }
                    missing -= 1
                    allowed = 0x80...0xBF
                }
                index += 1
            }
            return true
        }
    }

    private static func skipASCII(_ buffer: UnsafeRawBufferPointer, _ index: inout Int) {
        while index + 8 <= buffer.count,
            unsafe buffer.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
        {
            index += 8
        }
        while index < buffer.count, unsafe buffer[index] < 0x80 { index += 1 }
    }

    private mutating func begin(_ lead: UInt8) -> Bool {
        switch lead {
        case 0xC2...0xDF: missing = 1
        case 0xE0:
            missing = 2
            allowed = 0xA0...0xBF
        case 0xED:
            missing = 2
            allowed = 0x80...0x9F
        case 0xE1...0xEF: missing = 2
        case 0xF0:
            missing = 3
            allowed = 0x90...0xBF
        case 0xF1...0xF3: missing = 3
        case 0xF4:
            missing = 3
            allowed = 0x80...0x8F
        default: return false
        }
        return true
    }
}
