import ChatModel
import Testing

struct RateLimitTests {
    private static let second: Int64 = 1_000_000_000

    private func admitted(_ bucket: inout TokenBucket, at now: Int64, of count: Int = 100) -> Int {
        (0..<count).count { _ in bucket.admits(at: now) }
    }

    @Test func `a bucket holds a burst and fills at its rate`() {
        var bucket = TokenBucket(RateLimit(messagesPerSecond: Limits.ratePerSecond))
        #expect(admitted(&bucket, at: 0) == Limits.rateBurst)
        #expect(admitted(&bucket, at: Self.second / 2) == Limits.ratePerSecond / 2)
        #expect(admitted(&bucket, at: Self.second * 60) == Limits.rateBurst)
    }

    @Test func `no rate is no limit`() {
        var bucket = TokenBucket(.off)
        #expect(admitted(&bucket, at: 0) == 100)
    }

    @Test func `what was refused does not count`() {
        var bucket = TokenBucket(RateLimit(perSecond: 1, burst: 2))
        #expect(admitted(&bucket, at: 0, of: 1000) == 2)
        #expect(admitted(&bucket, at: Self.second) == 1)
    }

    @Test func `a clock that was set back by years keeps nobody out for longer than a burst takes`() {
        var bucket = TokenBucket(RateLimit(perSecond: 20, burst: 40))
        let now: Int64 = 1_800_000_000 * Self.second, before = now - 100_000_000 * Self.second
        #expect(admitted(&bucket, at: now) == 40)
        #expect(admitted(&bucket, at: before) == 0)
        #expect(admitted(&bucket, at: before + Self.second) == 20)
        #expect(admitted(&bucket, at: before + 4 * Self.second) == 40)
    }
}
