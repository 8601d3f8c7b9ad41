import ChatModel
import Testing

struct TimestampTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (-1000, "1969-12-31T23:59:59.000Z"),
        (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
        (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
        (-11_670_998_400_000, "1600-02-29T00:00:00.000Z"),
        (-2_203_891_201_000, "1900-02-28T23:59:59.000Z"),
        (-2_203_891_200_000, "1900-03-01T00:00:00.000Z"),
        (68_212_800_000, "1972-02-29T12:00:00.000Z"),
        (946_684_799_000, "1999-12-31T23:59:59.000Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (951_868_800_000, "2000-03-01T00:00:00.000Z"),
        (978_307_199_000, "2000-12-31T23:59:59.000Z"),
        (1_704_067_199_999, "2023-12-31T23:59:59.999Z"),
        (1_704_067_200_000, "2024-01-01T00:00:00.000Z"),
        (1_709_251_199_000, "2024-02-29T23:59:59.000Z"),
        (1_735_603_200_000, "2024-12-31T00:00:00.000Z"),
        (1_795_268_240_123, "2026-11-21T13:37:20.123Z"),
        (2_147_483_648_000, "2038-01-19T03:14:08.000Z"),
        (4_107_542_399_000, "2100-02-28T23:59:59.000Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ] as [(Int64, String)])
    func `a moment is written as RFC 3339`(milliseconds: Int64, text: String) {
        #expect(Timestamp(milliseconds: milliseconds).description == text)
    }

    /// Steps a calendar kept by hand through 800 years and compares every day.
    @Test func `every day of two cycles of leap years has its date`() {
        var (year, month, day) = (1601, 1, 1)
        for days in Int64(-134_774)..<(-134_774 + 292_194) {
            let two = { (value: Int) in value < 10 ? "0\(value)" : "\(value)" }
            #expect(Timestamp(seconds: days * 86_400).description == "\(year)-\(two(month))-\(two(day))T00:00:00.000Z")
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            let length = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
            day += 1
            if day > length { (day, month) = (1, month + 1) }
            if month > 12 { (month, year) = (1, year + 1) }
        }
    }

    @Test(arguments: [
        (1_795_268_240_123, "21/Nov/2026:13:37:20 +0000"), (0, "01/Jan/1970:00:00:00 +0000"),
        (1_709_251_199_999, "29/Feb/2024:23:59:59 +0000"), (1_735_689_599_000, "31/Dec/2024:23:59:59 +0000"),
    ] as [(Int64, String)])
    func `a moment is written in common log format`(milliseconds: Int64, text: String) {
        #expect(Timestamp(milliseconds: milliseconds).commonLogFormat == text)
    }

    @Test(arguments: [(0, 0), (999, 0), (1000, 1), (-1, -1), (-1000, -1), (-1001, -2)] as [(Int64, Int64)])
    func `seconds are rounded down, before 1970 too`(milliseconds: Int64, seconds: Int64) {
        #expect(Timestamp(milliseconds: milliseconds).seconds == seconds)
    }

    @Test func `moments and durations add up in their units`() {
        let noon = Timestamp(seconds: 43_200)
        #expect(noon.milliseconds == 43_200_000)
        #expect(noon + 90 == Timestamp(milliseconds: 43_290_000))
        #expect(noon - 90 == Timestamp(milliseconds: 43_110_000))
        #expect((noon + 1) - noon == 1000)
        #expect(noon < noon + 1)
        #expect(Seconds(600) / 4 == 150)
        #expect(Seconds(7) * 3 == 21)
        #expect(Seconds(2).milliseconds == 2000)
    }
}
