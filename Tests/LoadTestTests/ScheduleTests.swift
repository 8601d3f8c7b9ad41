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

@Suite struct SourcesTests {
    static func sources(_ connections: Int, to host: String, from given: [String] = []) throws -> [String] {
        var plan = LoadPlan(rooms: 1, members: connections, pacing: .open(perSecond: 1), duration: 1)
        plan.sources = given
        let address = try #require(try SocketAddress.resolve(host, port: 80).get().first)
        return try Sources(plan, to: address).addresses.map(\.ip)
    }

    @Test func `on the loopback there are as many addresses as the connections need`() throws {
        #expect(try Self.sources(20_000, to: "127.0.0.1") == [])
        #expect(try Self.sources(28_000, to: "127.0.0.1") == ["127.0.0.2", "127.0.0.3"])
        #expect(try Self.sources(1_000_000, to: "127.0.0.9").count == 50)
    }

    @Test func `elsewhere the kernel chooses, unless addresses are given`() throws {
        #expect(try Self.sources(100_000, to: "192.0.2.1") == [])
        #expect(try Self.sources(1, to: "192.0.2.1", from: ["127.0.0.7"]) == ["127.0.0.7"])
        #expect(throws: LoadError.invalidSource("192.0.2.1")) { try Self.sources(1, to: "127.0.0.1", from: ["192.0.2.1"]) }
    }
}
