extension JSONScanner {
    mutating func number(in bytes: Span<UInt8>) throws(JSONError) -> JSONNumber {
        let start = position
        try skipNumber(in: bytes)
        return JSONNumber(scanned: try text(in: bytes, start..<position))
    }

    /// Steps over a number: `-`? int frac? exp? (RFC 8259 section 6).
    mutating func skipNumber(in bytes: Span<UInt8>) throws(JSONError) {
        if try peek(in: bytes) == UInt8(ascii: "-") { position += 1 }
        if try peek(in: bytes) == UInt8(ascii: "0") {
            position += 1
            if position < bytes.count, Self.isDigit(bytes[position]) { throw .invalidNumber(at: position) }
        } else {
            try skipDigits(in: bytes)
        }
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position += 1
            try skipDigits(in: bytes)
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            let sign = try peek(in: bytes)
            if sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { position += 1 }
            try skipDigits(in: bytes)
        }
    }

    /// At least one.
    private mutating func skipDigits(in bytes: Span<UInt8>) throws(JSONError) {
        guard Self.isDigit(try peek(in: bytes)) else { throw .invalidNumber(at: position) }
        repeat { position += 1 } while position < bytes.count && Self.isDigit(bytes[position])
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        byte &- UInt8(ascii: "0") < 10
    }
}
