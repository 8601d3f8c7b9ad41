/// A moment as RFC 3339 writes it, in UTC with milliseconds.
struct UTCTime {
    let milliseconds: Int64

    /// `2026-11-21T13:37:20.123Z`
    var text: String {
        let (days, inDay) = Self.divide(milliseconds, by: 86_400_000)
        let date = Self.date(daysSinceEpoch: days)
        let seconds = inDay / 1000
        return Self.digits(date.year, 4) + "-" + Self.digits(date.month, 2) + "-" + Self.digits(date.day, 2)
            + "T" + Self.digits(seconds / 3600, 2) + ":" + Self.digits(seconds / 60 % 60, 2)
            + ":" + Self.digits(seconds % 60, 2) + "." + Self.digits(inDay % 1000, 3) + "Z"
    }

    /// The proleptic Gregorian date. Years are counted from March, so that the leap day is a year's last and months
    /// follow a line (153 days in five months).
    private static func date(daysSinceEpoch: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let daysFromYearZero = daysSinceEpoch + 719_468
        let (era, dayOfEra) = divide(daysFromYearZero, by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day)
    }

    /// Quotient and remainder with the quotient rounded down, for times before 1970.
    private static func divide(_ value: Int64, by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    private static func digits(_ value: Int64, _ width: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }
}
