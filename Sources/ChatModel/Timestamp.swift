/// A moment: milliseconds since 1970-01-01T00:00:00Z.
public struct Timestamp: Hashable, Comparable, Sendable {
    public var milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }
    public init(seconds: Int64) { milliseconds = seconds * 1000 }

    /// Whole seconds since the epoch, rounded down; what DynamoDB's TTL and JWT dates count in.
    public var seconds: Int64 { milliseconds.flooredDivision(by: 1000) }

    public static func < (a: Timestamp, b: Timestamp) -> Bool { a.milliseconds < b.milliseconds }
    public static func + (a: Timestamp, b: Seconds) -> Timestamp {
        Timestamp(milliseconds: a.milliseconds + b.count * 1000)
    }
    public static func - (a: Timestamp, b: Seconds) -> Timestamp {
        Timestamp(milliseconds: a.milliseconds - b.count * 1000)
    }
    public static func - (a: Timestamp, b: Timestamp) -> Int64 { a.milliseconds - b.milliseconds }
}

/// A duration in whole seconds, the unit of leases and limits.
public struct Seconds: Hashable, Comparable, Sendable, ExpressibleByIntegerLiteral {
    public let count: Int64
    public init(_ count: Int64) { self.count = count }
    public init(integerLiteral value: Int64) { count = value }
    public static func < (a: Seconds, b: Seconds) -> Bool { a.count < b.count }
    public static func * (a: Seconds, factor: Int64) -> Seconds { Seconds(a.count * factor) }
    public static func / (a: Seconds, divisor: Int64) -> Seconds { Seconds(a.count / divisor) }
    public var milliseconds: Int64 { count * 1000 }
}

extension Timestamp: CustomStringConvertible {
    /// RFC 3339 in UTC with milliseconds: `2026-11-21T13:37:20.123Z`.
    public var description: String {
        let text = rfc3339
        return unsafe text.span.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }

    /// The bytes of ``description``, without an allocation.
    public var rfc3339: InlineArray<24, UInt8> {
        let civil = Civil(seconds: seconds)
        var text = InlineArray<24, UInt8>(repeating: UInt8(ascii: "Z"))
        var end = 0
        func put(_ value: Int, digits: Int, then separator: Unicode.Scalar) {
            var rest = value
            for place in (0..<digits).reversed() {
                text[end + place] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            }
            text[end + digits] = UInt8(ascii: separator)
            end += digits + 1
        }
        put(civil.year, digits: 4, then: "-")
        put(civil.month, digits: 2, then: "-")
        put(civil.day, digits: 2, then: "T")
        put(civil.hour, digits: 2, then: ":")
        put(civil.minute, digits: 2, then: ":")
        put(civil.second, digits: 2, then: ".")
        put(Int(milliseconds - seconds * 1000), digits: 3, then: "Z")
        return text
    }

    /// Common log format, as API Gateway writes `requestTime`: `21/Nov/2026:13:37:20 +0000`.
    public var commonLogFormat: String {
        let civil = Civil(seconds: seconds)
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return "\(two(civil.day))/\(months[civil.month - 1])/\(civil.year):"
            + "\(two(civil.hour)):\(two(civil.minute)):\(two(civil.second)) +0000"
    }
}

/// Calendar fields of a moment in UTC, by the days-from-civil algorithm
/// (https://howardhinnant.github.io/date_algorithms.html). Years 0–9999.
private struct Civil {
    var year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0

    init(seconds: Int64) {
        let days = seconds.flooredDivision(by: 86_400)
        let rest = Int(seconds - days * 86_400)
        (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60)
        let shifted = days + 719_468
        let era = shifted.flooredDivision(by: 146_097)
        let dayOfEra = Int(shifted - era * 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + Int(era) * 400 + (month <= 2 ? 1 : 0)
    }
}

extension Int64 {
    func flooredDivision(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}

extension Seconds {
    /// Reads a duration: whole seconds, or a whole number with `s`, `m` or `h`. Nil for anything else and above 100 years.
    public init?(parsing text: String) {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600]
        let unit = text.last.flatMap { units[$0] }
        let digits = unit == nil ? text[...] : text.dropLast()
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let count = Int64(digits), count <= 3_155_760_000 / (unit ?? 1)
        else { return nil }
        self.init(count * (unit ?? 1))
    }
}
