extension Span<UInt8> {
    /// The index of the first byte at or behind `start` that cannot stand as itself in a JSON string (a quote, a
    /// backslash or a control character), or `count`.
    ///
    /// Looks at eight bytes at a time: message bodies are most of what is read and written.
    func endOfPlainRun(from start: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        let quotes = ones &* UInt64(UInt8(ascii: "\""))
        let backslashes = ones &* UInt64(UInt8(ascii: "\\"))
        let spaces = ones &* 0x20
        var index = start
        while index + 8 <= count {
            // RawSpan checks the bounds; this is unsafe only for types with invalid bit patterns, which integers lack.
            let word = unsafe UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
            let quote = word ^ quotes
            let backslash = word ^ backslashes
            let found = ((quote &- ones) & ~quote | (backslash &- ones) & ~backslash | (word &- spaces) & ~word) & highs
            // A borrow only ever marks bytes behind a true hit, so the lowest mark is exact.
            if found != 0 { return index + found.trailingZeroBitCount / 8 }
            index += 8
        }
        while index < count, !self[index].needsEscape { index += 1 }
        return index
    }
}

extension UInt8 {
    /// Whether RFC 8259 section 7 wants this byte escaped inside a string.
    var needsEscape: Bool {
        self < 0x20 || self == UInt8(ascii: "\"") || self == UInt8(ascii: "\\")
    }
}
