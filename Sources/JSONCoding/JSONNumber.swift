/// A JSON number as the text received, so that 20 digits are echoed as 20 digits and no value is ever rounded.
///
/// Two numbers are equal when their text is: `1` and `1.0` differ.
public struct JSONNumber: Sendable, Equatable {
    /// The number exactly as it was written, in RFC 8259's grammar.
    public let text: String

    public init(_ value: Int64) {
        text = String(value)
    }

    /// The number written as `text`, or nil when that is not one number of RFC 8259's grammar and nothing else.
    public init?(text: String) {
        var scanner = JSONScanner(limits: .default, duplicates: .lastWins)
        let bytes = text.utf8.span
        guard (try? scanner.skipNumber(in: bytes)) != nil, scanner.position == bytes.count else { return nil }
        self.text = text
    }

    init(scanned text: String) {
        self.text = text
    }

    /// The value when it is an exact integer in range, however it is written (`5.0`, `1e3`); else nil.
    public var int64: Int64? {
        guard let whole, !whole.hasFraction else { return nil }
        return whole.signed
    }

    /// The greatest integer that is not above the value, or nil when that is out of range.
    public var floor: Int64? {
        guard let whole, let signed = whole.signed else { return nil }
        guard whole.hasFraction, whole.isNegative else { return signed }
        let (below, overflow) = signed.subtractingReportingOverflow(1)
        return overflow ? nil : below
    }

    /// The part before the decimal point, once the exponent has moved that point.
    private struct Whole {
        var isNegative = false
        var magnitude: UInt64 = 0
        var hasFraction = false

        var signed: Int64? {
            if !isNegative { return Int64(exactly: magnitude) }
            return magnitude <= Int64.min.magnitude ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil
        }

        mutating func append(_ digit: UInt64) -> Bool {
            let (tens, overflow) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(digit)
            magnitude = sum
            return !overflow && !carry
        }
    }

    /// Walks the digits once; nil when the whole part exceeds 64 bits. The cost is bounded by the text, never by
    /// the exponent: `1e999999999` overflows after 20 steps and `0e999999999` stops at once.
    private var whole: Whole? {
        let bytes = text.utf8.span
        let layout = Layout(bytes)
        var whole = Whole(isNegative: layout.isNegative)
        var position = 0
        for index in layout.digits {
            let byte = bytes[index]
            if byte == UInt8(ascii: ".") { continue }
            let digit = UInt64(byte &- UInt8(ascii: "0"))
            if position < layout.pointPosition {
                guard whole.append(digit) else { return nil }
            } else if digit != 0 {
                whole.hasFraction = true
            }
            position += 1
        }
        while position < layout.pointPosition, whole.magnitude != 0 {
            guard whole.append(0) else { return nil }
            position += 1
        }
        return whole
    }

    /// Where the parts of a number's text are.
    private struct Layout {
        var isNegative = false
        /// The mantissa, which may contain the point.
        var digits = 0..<0
        /// How many digits are before the point after the exponent moved it; may be negative or beyond the last digit.
        var pointPosition = 0

        init(_ bytes: Span<UInt8>) {
            isNegative = bytes[0] == UInt8(ascii: "-")
            let first = isNegative ? 1 : 0
            var end = first
            var point: Int?
            while end < bytes.count, bytes[end] | 0x20 != UInt8(ascii: "e") {
                if bytes[end] == UInt8(ascii: ".") { point = end }
                end += 1
            }
            digits = first..<end
            pointPosition = (point ?? end) - first + Self.exponent(bytes, from: end + 1)
        }

        /// Saturates far above any length a text can have, so that sums cannot overflow.
        private static func exponent(_ bytes: Span<UInt8>, from start: Int) -> Int {
            var value = 0
            var isNegative = false
            var index = start
            while index < bytes.count {
                switch bytes[index] {
                case UInt8(ascii: "-"): isNegative = true
                case UInt8(ascii: "+"): break
                case let digit: value = min(value * 10 + Int(digit &- UInt8(ascii: "0")), 1 << 50)
                }
                index += 1
            }
            return isNegative ? -value : value
        }
    }
}
