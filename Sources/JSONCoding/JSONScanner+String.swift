extension JSONScanner {
    /// Reads a string from its opening quote to behind its closing one. Without escapes it is made in one step from
    /// the bytes received.
    mutating func string(in bytes: Span<UInt8>) throws(JSONError) -> String {
        let start = position + 1
        var end = start
        var hasEscapes = false
        while true {
            end = bytes.endOfPlainRun(from: end)
            guard end < bytes.count else { throw .unexpectedEnd(at: bytes.count) }
            let byte = bytes[end]
            if byte == UInt8(ascii: "\"") { break }
            guard byte == UInt8(ascii: "\\") else { throw .controlCharacter(at: end) }
            hasEscapes = true
            // What is escaped is judged later; here it only must not end the string.
            end += 2
        }
        position = end + 1
        let raw = try text(in: bytes, start..<end)
        return hasEscapes ? try unescaped(bytes, start..<end) : raw
    }

    /// The bytes as a string, unless they are not UTF-8.
    func text(in bytes: Span<UInt8>, _ range: Range<Int>) throws(JSONError) -> String {
        do {
            return String(copying: try UTF8Span(validating: bytes.extracting(range)))
        } catch {
            throw .invalidUTF8(at: range.lowerBound + error.byteOffsets.lowerBound)
        }
    }

    /// Resolves the escapes of a string whose bytes are known to be UTF-8.
    private func unescaped(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(JSONError) -> String {
        var output: [UInt8] = []
        output.reserveCapacity(range.count)
        var index = range.lowerBound
        while index < range.upperBound {
            let byte = bytes[index]
            guard byte == UInt8(ascii: "\\") else {
                output.append(byte)
                index += 1
                continue
            }
            let escape = bytes[index + 1]
            if escape == UInt8(ascii: "u") {
                output.append(contentsOf: try Self.unicodeEscape(bytes, &index, end: range.upperBound))
            } else if let plain = Self.plainEscape(escape) {
                output.append(plain)
                index += 2
            } else {
                throw .invalidEscape(at: index)
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static func plainEscape(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): byte
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: nil
        }
    }

    /// Reads `\uXXXX`, or the two of a surrogate pair, and steps over it.
    private static func unicodeEscape(
        _ bytes: Span<UInt8>, _ index: inout Int, end: Int
    ) throws(JSONError) -> UTF8.EncodedScalar {
        let start = index
        let first = try codeUnit(bytes, &index, end: end)
        if let scalar = Unicode.Scalar(first) { return UTF8.encode(scalar)! }
        guard UTF16.isLeadSurrogate(first), index + 1 < end,
            bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u")
        else { throw .loneSurrogate(at: start) }
        let second = try codeUnit(bytes, &index, end: end)
        guard UTF16.isTrailSurrogate(second) else { throw .loneSurrogate(at: start) }
        return UTF8.encode(UTF16.decode(UTF16.EncodedScalar([first, second])))!
    }

    private static func codeUnit(_ bytes: Span<UInt8>, _ index: inout Int, end: Int) throws(JSONError) -> UInt16 {
        guard index + 6 <= end else { throw .invalidEscape(at: index) }
        var unit: UInt16 = 0
        for offset in 2..<6 {
            guard let digit = hexDigit(bytes[index + offset]) else { throw .invalidEscape(at: index) }
            unit = unit << 4 | digit
        }
        index += 6
        return unit
    }

    private static func hexDigit(_ byte: UInt8) -> UInt16? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt16(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt16(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt16(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}
