/// `UriEncode`, percent-encoding as signatures want it: everything but letters, digits, `-`, `.`, `_` and `~`, in upper case.
enum URIEncoding {
    static func append(_ byte: UInt8, to bytes: inout [UInt8]) {
        if isUnreserved(byte) {
            bytes.append(byte)
        } else {
            bytes.append(UInt8(ascii: "%"))
            bytes.append(Hexadecimal.upper(byte >> 4))
            bytes.append(Hexadecimal.upper(byte & 15))
        }
    }

    /// Encoded canonically, whatever of it is encoded already.
    static func normalized(_ text: Substring.UTF8View) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var index = text.startIndex
        while index < text.endIndex {
            var byte = text[index]
            text.formIndex(after: &index)
            if byte == UInt8(ascii: "%"), let encoded = encodedByte(text[index...]) {
                byte = encoded
                text.formIndex(&index, offsetBy: 2)
            }
            append(byte, to: &bytes)
        }
        return bytes
    }

    private static func encodedByte(_ rest: Substring.UTF8View) -> UInt8? {
        var digits = rest.makeIterator()
        guard let high = digits.next().flatMap(Hexadecimal.value), let low = digits.next().flatMap(Hexadecimal.value) else {
            return nil
        }
        return high << 4 | low
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}

enum Hexadecimal {
    /// Two lower-case digits for each byte.
    static func append(_ input: [UInt8], to bytes: inout [UInt8]) {
        for byte in input {
            bytes.append(lower(byte >> 4))
            bytes.append(lower(byte & 15))
        }
    }

    static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    static func upper(_ digit: UInt8) -> UInt8 { digit + (digit < 10 ? UInt8(ascii: "0") : UInt8(ascii: "A") - 10) }
    private static func lower(_ digit: UInt8) -> UInt8 { digit + (digit < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10) }
}
