/// How ids stand in keys: `#` separates the parts, so it and the escape character itself are percent-encoded.
/// Two different ids can therefore never make one key.
enum KeyText {
    /// `#` and `%` percent-encoded.
    static func encode(_ text: String) -> String {
        encode(text) { $0 == UInt8(ascii: "#") || $0 == UInt8(ascii: "%") }
    }

    /// Percent-encoded so that keys sort as the ids do: every byte below `&` (U+0020–U+0025) is escaped, which makes
    /// the separator `#` lower than anything an id can contain and keeps the order of the escaped bytes.
    static func ordered(_ text: String) -> String {
        encode(text) { $0 < UInt8(ascii: "&") }
    }

    private static func encode(_ text: String, where escaped: (UInt8) -> Bool) -> String {
        guard text.utf8.contains(where: escaped) else { return text }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count + 8)
        for byte in text.utf8 {
            if escaped(byte) {
                bytes.append(UInt8(ascii: "%"))
                bytes.append(hexDigit(byte >> 4))
                bytes.append(hexDigit(byte & 15))
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Undoes either encoding; nil for text that is neither.
    static func decode(_ text: some StringProtocol) -> String? {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        var bytes: [UInt8] = []
        var rest = text.utf8.makeIterator()
        while let byte = rest.next() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.next().flatMap(hexValue), let low = rest.next().flatMap(hexValue) else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }

    private static func hexValue(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
