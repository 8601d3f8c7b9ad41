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
                if missing > 0 {
                    guard allowed.contains(unsafe buffer[index]) else { return false }
                    missing -= 1
                    allowed = 0x80...0xBF
                    index += 1
                    continue
                }
                unsafe Self.skipASCII(buffer, &index)
                while case let width = unsafe Self.widthOfScalar(buffer, at: index), width > 0 { index += width }
                // What is ASCII again goes around; the rest is the end of the bytes, or a fault to be found byte by byte.
                guard index < buffer.count, unsafe buffer[index] >= 0x80 else { continue }
                guard begin(unsafe buffer[index]) else { return false }
                index += 1
            }
            return true
        }
    }

    /// The bytes of the scalar of two to four that is whole and valid there, four bytes being left; else 0.
    private static func widthOfScalar(_ buffer: UnsafeRawBufferPointer, at index: Int) -> Int {
        guard index + 4 <= buffer.count else { return 0 }
        let word = unsafe UInt32(littleEndian: buffer.loadUnaligned(fromByteOffset: index, as: UInt32.self))
        // The payload bits of the first two bytes are enough to tell overlong forms, surrogates and what is beyond Unicode.
        let second = word >> 8 & 0x3F
        if word & 0x00C0_C0F0 == 0x0080_80E0 {
            let high = (word & 0x0F) << 6 | second
            return high >= 0x0800 >> 6 && !(0xD800 >> 6...0xDFFF >> 6).contains(high) ? 3 : 0
        }
        if word & 0x0000_C0E0 == 0x0000_80C0 { return word & 0x1F >= 0x80 >> 6 ? 2 : 0 }
        guard word & 0xC0C0_C0F8 == 0x8080_80F0 else { return 0 }
        return (0x1_0000 >> 12...0x10_FFFF >> 12).contains((word & 0x07) << 6 | second) ? 4 : 0
    }

    private static func skipASCII(_ buffer: UnsafeRawBufferPointer, _ index: inout Int) {
        while index + 8 <= buffer.count {
            let word = unsafe UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let others = word & 0x8080_8080_8080_8080
            guard others == 0 else {
                index += others.trailingZeroBitCount / 8
                return
            }
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
