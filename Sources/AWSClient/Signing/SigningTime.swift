/// A time as signatures have it: `20150830T123600Z`.
public struct SigningTime: Equatable, Sendable {
    /// Since 1970.
    public let seconds: Int64
    /// `yyyymmddThhmmssZ`.
    let text: [UInt8]

    /// The day's part, `yyyymmdd`.
    var day: ArraySlice<UInt8> { text[..<8] }

    /// - Parameter seconds: since 1970, clamped to the years 1970 to 9999.
    public init(seconds: Int64) {
        let clamped = min(max(seconds, 0), 253_402_300_799)
        self.seconds = clamped
        let (year, month, day) = Self.date(of: clamped / 86400)
        let second = Int(clamped % 86400)
        var text: [UInt8] = []
        text.reserveCapacity(16)
        func append(_ value: Int, digits: Int) {
            var divisor = digits == 4 ? 1000 : 10
            while divisor > 0 {
                text.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
                divisor /= 10
            }
        }
        append(year, digits: 4)
        append(month, digits: 2)
        append(day, digits: 2)
        text.append(UInt8(ascii: "T"))
        append(second / 3600, digits: 2)
        append(second / 60 % 60, digits: 2)
        append(second % 60, digits: 2)
        text.append(UInt8(ascii: "Z"))
        self.text = text
    }

    /// Years begin in March here, so that the leap day is the last of its year; 400 of them are 146,097 days.
    private static func date(of day: Int64) -> (year: Int, month: Int, day: Int) {
        let shifted = Int(day) + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }

    static func days(year: Int, month: Int, day: Int) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = year / 400
        let yearOfEra = year % 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return Int64(era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468)
    }

    /// Reads the `Date` of an answer: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7).
    init?(httpDate text: String) {
        let parts = text.utf8.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: ":") }
        guard parts.count == 8, let zone = String(parts[7]), zone == "GMT", let name = String(parts[2]),
            let month = Self.months.firstIndex(of: name), let day = Self.number(parts[1], 1...31),
            let year = Self.number(parts[3], 1970...9999), let hour = Self.number(parts[4], 0...23),
            let minute = Self.number(parts[5], 0...59), let second = Self.number(parts[6], 0...60)
        else { return nil }
        let days = Self.days(year: year, month: month + 1, day: day)
        self.init(seconds: days * 86400 + Int64(hour * 3600 + minute * 60 + second))
    }

    /// Reads `2026-11-21T20:00:00Z` with or without a fraction, which is dropped: when credentials end.
    init?(iso8601 text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes.last == UInt8(ascii: "Z"), bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            bytes[10] == UInt8(ascii: "T"), bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
            bytes.count == 20 || bytes[19] == UInt8(ascii: ".")
        else { return nil }
        let view = text.utf8
        func part(_ start: Int, _ end: Int, _ range: ClosedRange<Int>) -> Int? {
            Self.number(view[view.index(view.startIndex, offsetBy: start)..<view.index(view.startIndex, offsetBy: end)], range)
        }
        guard let year = part(0, 4, 1970...9999), let month = part(5, 7, 1...12), let day = part(8, 10, 1...31),
            let hour = part(11, 13, 0...23), let minute = part(14, 16, 0...59), let second = part(17, 19, 0...60)
        else { return nil }
        let days = Self.days(year: year, month: month, day: day)
        self.init(seconds: days * 86400 + Int64(hour * 3600 + minute * 60 + second))
    }

    private static func number(_ digits: Substring.UTF8View, _ range: ClosedRange<Int>) -> Int? {
        guard digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let value = Int(Substring(digits)),
            range.contains(value)
        else { return nil }
        return value
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
}
