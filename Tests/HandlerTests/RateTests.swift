import ChatModel
import Testing

@testable import ChatHandlers

@Suite struct RateTests {
    private static let limit = RateLimit(perSecond: 2, burst: 3)

    private func service() throws -> Service { try Service(rateLimit: Self.limit) }

    @Test func `a frame over the rate gets its error frame, asks no table and changes nothing`() async throws {
        let service = try service()
        let alice = await service.connect("alice"), bob = await service.connect("bob")
        await alice.join("lobby")
        await bob.join("lobby")
        for number in 1...2 { #expect(await alice.say("\(number)", in: "lobby").int("seq") == Int64(number)) }
        service.table.beginCount()
        let before = service.table.memory.allItems()
        let refused = await alice.say("3", in: "lobby", #","requestId":"mine""#)
        #expect(refused.code == "rate_limited" && refused.int("status") == 429)
        #expect(refused.string("requestId") == "mine" && refused.string("action") == "sendMessage")
        #expect(service.table.cost == ProbedTable.Cost())
        #expect(service.table.memory.allItems() == before)
        #expect(bob.frames.bodies == ["1", "2"])
        service.advance(0, milliseconds: 500)
        #expect(await alice.say("3", in: "lobby").int("seq") == 3)
    }

    @Test(arguments: [
        #"{"action":"heartbeat"}"#, #"{"action":"joinRoom","roomId":"den"}"#, #"{"action":"leaveRoom","roomId":"lobby"}"#,
        #"{"action":"online"}"#, #"{"action":"history","roomId":"lobby"}"#, #"{"action":"refreshToken","token":"x"}"#,
        #"{"action":"shout"}"#, "no JSON", "",
    ])
    func `every frame counts, whatever it asks for`(frame: String) async throws {
        let service = try service()
        let alice = await service.connect("alice")
        for _ in 1...Self.limit.burst { #expect(await alice.send(frame).code != "rate_limited") }
        #expect(await alice.send(frame).code == "rate_limited")
    }

    @Test func `each connection has a rate of its own, and each instance counts for itself`() async throws {
        let service = try service()
        let alice = await service.connect("alice"), again = await service.connect("alice")
        for _ in 1...4 { await alice.heartbeat() }
        #expect(await alice.heartbeat().code == "rate_limited")
        #expect(await again.heartbeat().type == "heartbeat")
        let other = Client(service: try Service(beside: service), id: alice.id)
        #expect(await other.heartbeat().type == "heartbeat")
    }

    @Test func `without a limit nothing is counted`() async throws {
        let service = try Service()
        let alice = await service.connect("alice")
        for _ in 1...100 { #expect(await alice.heartbeat().type == "heartbeat") }
        #expect(service.services.rates.count == 0)
    }

    @Test func `what is remembered is bounded, and who floods is not forgotten`() {
        let rates = MessageRates(Self.limit, capacity: 10)
        let now = Timestamp(seconds: 1_800_000_000), flood = ConnectionID("flood")!
        for _ in 1...3 { #expect(rates.admit(flood, at: now)) }
        for number in 0..<1000 {
            #expect(rates.admit(ConnectionID("c\(number)")!, at: now))
            #expect(!rates.admit(flood, at: now))
            #expect(rates.count <= 10)
        }
    }

    @Test func `a connection keeps its count when its generation ages`() {
        let rates = MessageRates(Self.limit, capacity: 4)
        let now = Timestamp(seconds: 1_800_000_000), id = ConnectionID("one")!
        for _ in 1...3 { #expect(rates.admit(id, at: now)) }
        _ = rates.admit(ConnectionID("two")!, at: now)
        _ = rates.admit(ConnectionID("three")!, at: now)
        #expect(!rates.admit(id, at: now), "it was in the older generation")
    }
}
