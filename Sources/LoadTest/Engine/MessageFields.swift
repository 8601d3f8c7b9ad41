/// The two fields of a `message` frame that a delivery is booked by, found by looking at its bytes once: no value is built
/// that is not needed.
struct MessageFields {
    var seq: Int64 = 0
    /// Where the body is, without its quotes.
    var body: Range<Int>?

    /// False for what needs a real parser: an escape, a nested value, a member that is neither string nor number.
    @inline(__always)
    mutating func scan(_ payload: RawSpan) -> Bool {
        let end = payload.byteCount
        var offset = 1
        while offset < end, payload.byte(offset) == UInt8(ascii: "\"") {
            let name = offset + 1
            let nameEnd = payload.quote(from: name)
            guard nameEnd + 2 < end, payload.byte(nameEnd + 1) == UInt8(ascii: ":") else { return false }
            offset = nameEnd + 2
            if payload.byte(offset) == UInt8(ascii: "\"") {
                let valueEnd = payload.quote(from: offset + 1)
                guard valueEnd < end, payload.byte(valueEnd) == UInt8(ascii: "\"") else { return false }
                if nameEnd - name == 4, payload.word(name) == Self.bodyName { body = offset + 1..<valueEnd }
                offset = valueEnd + 1
            } else {
                var number: Int64 = 0
                let start = offset
                while offset < end, case let digit = payload.byte(offset) &- UInt8(ascii: "0"), digit < 10 {
                    number = number &* 10 &+ Int64(digit)
                    offset += 1
                }
                guard offset > start, offset - start < 19 else { return false }
                // `seq"` is as long as a word, and the quote is known to be there.
                if nameEnd - name == 3, payload.word(name) == Self.seqName { seq = number }
            }
            guard offset < end else { return false }
            switch payload.byte(offset) {
            case UInt8(ascii: ","): offset += 1
            case UInt8(ascii: "}"): return offset == end - 1
            default: return false
            }
        }
        return false
    }

    private static let bodyName = word("body")
    private static let seqName = word("seq\"")

    private static func word(_ text: StaticString) -> UInt32 {
        text.withUTF8Buffer { bytes in
            unsafe UInt32(bytes[0]) | UInt32(bytes[1]) << 8 | UInt32(bytes[2]) << 16 | UInt32(bytes[3]) << 24
        }
    }
}

extension RawSpan {
    @inline(__always)
    func byte(_ offset: Int) -> UInt8 {
        // RawSpan checks the bounds; this is unsafe only for types with invalid bit patterns, which integers lack. So below.
        unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    @inline(__always)
    func word(_ offset: Int) -> UInt32 {
        unsafe UInt32(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    /// The offset of the first quote or backslash from there on, or the end.
    @inline(__always)
    func quote(from start: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        var offset = start
        while offset + 8 <= byteCount {
            let word = unsafe UInt64(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
            let quote = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
            let backslash = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
            let found = ((quote &- ones) & ~quote | (backslash &- ones) & ~backslash) & highs
            // A borrow only ever marks bytes behind a true hit, so the lowest mark is exact.
            if found != 0 { return offset + found.trailingZeroBitCount / 8 }
            offset += 8
        }
        while offset < byteCount, case let byte = byte(offset), byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
            offset += 1
        }
        return offset
    }

    /// Whether it begins with this ASCII text.
    @inline(__always)
    func begins(with text: StaticString) -> Bool {
        guard byteCount >= text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { expected in
            for index in 0..<expected.count where unsafe byte(index) != expected[index] { return false }
            return true
        }
    }
}
