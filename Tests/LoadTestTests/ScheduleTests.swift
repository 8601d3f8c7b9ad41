import Testing

@testable import LoadTest

@Suite struct ScheduleTests {
    @Test func `times are the rate's, and no rounding adds up`() {
        let schedule = Schedule(start: 1_000, perSecond: 3, duration: 3600)
        #expect(schedule.count == 10_800)
        #expect(schedule.time(of: 0) == 1_000)
        #expect(schedule.time(of: 3) == 1_000_001_000)
        #expect(abs(schedule.time(of: 10_799) - (1_000 + 3_600_000_000_000 - 333_333_333)) <= 1)
    }

    @Test func `a rate of nothing sends nothing`() {
        #expect(Schedule(start: 0, perSecond: 0, duration: 60).count == 0)
    }

    @Test func `less than one a second is a rate`() {
        let schedule = Schedule(start: 0, perSecond: 0.5, duration: 10)
        #expect(schedule.count == 5)
        #expect(schedule.time(of: 4) == 8_000_000_000)
    }
}

@Suite struct StampTests {
    static let stamp = Stamp(run: 0xFEDC_BA98, room: 1_234, sender: 65_537, number: 9_999_999, scheduled: 0x0123_4567_89AB_CDEF)

    @Test(arguments: [48, 49, 64, 1_000])
    func `a body gives back what was stamped on it`(_ size: Int) {
        let body = Self.stamp.body(bytes: size)
        #expect(body.count == size)
        let read = Stamp(body.span.bytes)
        #expect(read == Self.stamp)
        #expect(body.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") })
    }

    @Test func `capital digits are read too`() {
        let body = Array(String(decoding: Self.stamp.body(bytes: 48), as: UTF8.self).uppercased().utf8)
        let read = Stamp(body.span.bytes)
        #expect(read == Self.stamp)
    }

    @Test func `what is too short has no stamp`() {
        let body = [UInt8](repeating: 0x30, count: 47)
        let stamp = Stamp(body.span.bytes)
        #expect(stamp == nil)
    }
}
