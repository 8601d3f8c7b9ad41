import ChatModel
import Testing

struct LimitsTests {
    private static func settings(presenceTTL: Int64) -> Settings {
        var settings = Settings()
        settings.presenceTTL = Seconds(presenceTTL)
        return settings
    }

    @Test(arguments: [2, 3, 4, 5, 10, 59, 60, 61, 600, 601, 86_400])
    func `two heartbeats fit in a lease, and one that is late by none is in time`(ttl: Int64) {
        let settings = LimitsTests.settings(presenceTTL: ttl)
        #expect(settings.presenceTTL >= settings.heartbeatInterval * 2)
        #expect(settings.heartbeatInterval >= 1)
        // A lease that was young enough not to be renewed still lasts until the next heartbeat.
        #expect(settings.renewalAge.count + settings.heartbeatInterval.count <= settings.presenceTTL.count)
    }

    @Test func `the defaults are the contract's`() {
        let settings = Settings()
        #expect(settings.presenceTTL == 600)
        #expect(settings.heartbeatInterval == 300)
        #expect(settings.renewalAge == 150)
        #expect(settings.connectionsPerUser == 20)
        #expect(settings.historyTTL == nil)
        #expect(settings.maxConnectionAge == 7200)
        #expect(settings.allowedOrigins == nil)
    }

    @Test func `what waits for a crashed handler waits longer than a handler can run, and less than a ghost may last`() {
        let integrationTimeout: Seconds = 29
        #expect(Limits.publishGrace > integrationTimeout)
        #expect(Limits.connectGrace > integrationTimeout)
        #expect(Limits.publishGrace < Limits.ghostBoundLocal)
        // A bucket is a minute wide, and the schedule comes once a minute.
        #expect(Limits.publishGrace.count + 60 + 60 <= Limits.ghostBoundAWS.count)
        #expect(Limits.deduplication < Limits.garbageAge)
    }

    @Test func `the longest body fits in a frame either way`() {
        #expect(Limits.bodyBytes + 2048 <= Limits.framePayloadBytes)
        #expect(Limits.framePayloadBytes <= Limits.messageBytes)
        // A control character takes six bytes, a quote in a user id two.
        #expect(6 * Limits.bodyBytes + 2 * 2 * Limits.userIDBytes + 1024 <= Limits.messageBytes)
        #expect(Limits.roomsPerConnection * (Limits.plainNameBytes + 32) + 2048 <= Limits.messageBytes)
    }

    @Test func `sets stay far below the 400 KB of an item`() {
        let item = 400 * 1024
        #expect(Limits.roomsPerConnection * (Limits.plainNameBytes + 1) < item / 16)
        #expect(Settings().connectionsPerUser * (Limits.connectionIDBytes + 1) < item / 16)
    }

    @Test func `defaults are within their bounds`() {
        #expect(Limits.historyPageDefault <= Limits.historyPage)
        #expect(Limits.onlinePageDefault <= Limits.onlinePage)
        #expect(Limits.listedMembers <= Limits.presenceUsers)
        #expect(Limits.ratePerSecond <= Limits.rateBurst)
        #expect(Settings().presenceTTL < Settings().maxConnectionAge)
    }
}

struct ChatErrorTests {
    @Test func `codes and statuses are the contract's`() {
        let contract: [String: Int] = [
            "bad_request": 400, "unauthorized": 401, "token_expired": 401, "forbidden": 403, "not_joined": 403,
            "unknown_action": 404, "gone": 410, "too_large": 413, "rate_limited": 429, "limit_exceeded": 429,
            "internal": 500,
        ]
        let pairs = ChatError.Code.allCases.map { ($0.rawValue, $0.status) }
        #expect(Dictionary(uniqueKeysWithValues: pairs) == contract)
    }
}
