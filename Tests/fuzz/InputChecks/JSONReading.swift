/// A second reader of JSON, with a stack where the parser recurses: says whether bytes are one document of RFC 8259 and
/// nothing else, its arrays and objects at most so deep.
struct JSONReading {
    private enum Expected { case value, valueOrEnd, name, nameOrEnd, colon, commaOrEnd, nothing }

    private let bytes: [UInt8]
    private let maxDepth: Int
    private var index = 0
    private var open: [UInt8] = []
    private var expected = Expected.value

    private init(_ bytes: [UInt8], maxDepth: Int) {
        self.bytes = bytes
        self.maxDepth = maxDepth
    }

    static func isDocument(_ bytes: [UInt8], maxDepth: Int = 32) -> Bool {
        guard String(validating: bytes, as: UTF8.self) != nil else { return false }
        var reading = JSONReading(bytes, maxDepth: maxDepth)
        while reading.index < bytes.count { guard reading.step() else { return false } }
        return reading.expected == .nothing && reading.open.isEmpty
    }

    private mutating func step() -> Bool {
        let byte = bytes[index]
        if " \t\n\r".utf8.contains(byte) {
            index += 1
            return true
        }
        switch (expected, byte) {
        case (.valueOrEnd, UInt8(ascii: "]")), (.nameOrEnd, UInt8(ascii: "}")): return close(byte)
        case (.commaOrEnd, UInt8(ascii: "]")), (.commaOrEnd, UInt8(ascii: "}")): return close(byte)
        case (.commaOrEnd, UInt8(ascii: ",")): return move(1, open.last == UInt8(ascii: "{") ? .name : .value)
        case (.colon, UInt8(ascii: ":")): return move(1, .value)
        case (.name, UInt8(ascii: "\"")), (.nameOrEnd, UInt8(ascii: "\"")): return move(string(), .colon)
        case (.value, _), (.valueOrEnd, _): return value(byte)
        default: return false
        }
    }

    private mutating func value(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            open.append(byte)
            guard open.count <= maxDepth else { return false }
            return move(1, byte == UInt8(ascii: "{") ? .nameOrEnd : .valueOrEnd)
        case UInt8(ascii: "\""): return move(string(), afterValue)
        default:
            for literal in ["true", "false", "null"] where bytes[index...].starts(with: literal.utf8) {
                return move(literal.utf8.count, afterValue)
            }
            return move(number(), afterValue)
        }
    }

    private var afterValue: Expected { open.isEmpty ? .nothing : .commaOrEnd }

    private mutating func close(_ byte: UInt8) -> Bool {
        guard open.popLast() == (byte == UInt8(ascii: "}") ? UInt8(ascii: "{") : UInt8(ascii: "[")) else { return false }
        return move(1, afterValue)
    }

    private mutating func move(_ count: Int?, _ next: Expected) -> Bool {
        guard let count else { return false }
        index += count
        expected = next
        return true
    }

    /// Bytes of the string that begins here.
    private func string() -> Int? {
        var end = index + 1
        var isHalfOfPair = false
        while end < bytes.count {
            let escape = bytes[end...].prefix(6)
            let unit = escape.starts(with: "\\u".utf8) && escape.count == 6 ? Self.codeUnit(escape.suffix(4)) : nil
            let isTrail = unit.map(UTF16.isTrailSurrogate) ?? false
            guard isTrail == isHalfOfPair else { return nil }
            isHalfOfPair = unit.map(UTF16.isLeadSurrogate) ?? false
            switch (bytes[end], end + 1 < bytes.count ? bytes[end + 1] : 0) {
            case (UInt8(ascii: "\""), _): return end + 1 - index
            case (UInt8(ascii: "\\"), UInt8(ascii: "u")):
                guard unit != nil else { return nil }
                end += 6
            case (UInt8(ascii: "\\"), let escaped):
                guard #""\/bfnrt"#.utf8.contains(escaped) else { return nil }
                end += 2
            case (..<0x20, _): return nil
            default: end += 1
            }
        }
        return nil
    }

    private static func codeUnit(_ digits: ArraySlice<UInt8>) -> UInt16? {
        guard digits.allSatisfy({ "0123456789abcdefABCDEF".utf8.contains($0) }) else { return nil }
        return UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
    }

    /// Bytes of the number that begins here.
    private func number() -> Int? {
        let rest = bytes[index...]
        let text = rest.prefix { "+-.eE0123456789".utf8.contains($0) }
        var left = text
        if left.first == UInt8(ascii: "-") { left = left.dropFirst() }
        let whole = left.digits
        guard whole > 0, whole == 1 || left.first != UInt8(ascii: "0") else { return nil }
        left = left.dropFirst(whole)
        if left.first == UInt8(ascii: ".") {
            left = left.dropFirst()
            guard left.digits > 0 else { return nil }
            left = left.dropFirst(left.digits)
        }
        if let e = left.first, "eE".utf8.contains(e) {
            left = left.dropFirst()
            if let sign = left.first, "+-".utf8.contains(sign) { left = left.dropFirst() }
            guard left.digits > 0 else { return nil }
            left = left.dropFirst(left.digits)
        }
        return left.isEmpty ? text.count : nil
    }
}

extension ArraySlice<UInt8> {
    /// How many digits it begins with.
    fileprivate var digits: Int { prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count }
}
