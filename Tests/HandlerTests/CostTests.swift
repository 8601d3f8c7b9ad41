import ChatModel
import ChatStore
import Testing

/// What each action costs the table, in DynamoDB's units and round trips. `schema/README.md` states the same.
@Suite struct CostTests {
    /// A room with one sender and so many others, nobody's lease due.
    private static func room(_ others: Int) async throws -> (Service, Client) {
        let service = try Service()
        let alice = await service.connect("alice")
        try await service.fill("lobby", (1...others).map { "user-\($0)" })
        await alice.join("lobby")
        service.table.beginCount()
        return (service, alice)
    }

    private static let body = String(repeating: "x", count: 200)

    @Test(arguments: [10, 100]) func `a message costs four units, and its fan-out one query`(others: Int) async throws {
        let (service, alice) = try await Self.room(others - 1)
        let (ack, fanOut) = await alice.ask(#"{"action":"sendMessage","roomId":"lobby","body":"\#(Self.body)"}"#)
        #expect(ack.type == "ack")
        #expect(service.table.cost.roundTrips == 2, "the sender beside the head, then the transaction")
        #expect(service.table.cost.writeUnits == 4 && service.table.cost.indexWrites == 0)
        #expect(service.table.cost.readUnits == 2)
        await fanOut()
        #expect(service.table.cost.roundTrips == 3 && service.table.cost.writeUnits == 4)
        #expect(service.table.cost.readUnits <= (others == 100 ? 8 : 3), "\(service.table.cost)")
    }

    @Test func `a clientMessageId costs two write units and one read unit more`() async throws {
        let (service, alice) = try await Self.room(99)
        await alice.say(Self.body, in: "lobby", #","clientMessageId":"m""#)
        #expect(service.table.cost.writeUnits == 6)
        #expect(service.table.cost.readUnits <= 8, "\(service.table.cost)")
        service.table.beginCount()
        #expect(await alice.say(Self.body, in: "lobby", #","clientMessageId":"m""#).bool("duplicate") == true)
        #expect(service.table.cost.roundTrips == 1 && service.table.cost.writes == 0)
    }

    @Test func `an instance that does not know the sender needs one round trip more, once`() async throws {
        let (service, alice) = try await Self.room(10)
        let other = Client(service: try Service(beside: service), id: alice.id)
        for trips in [3, 2] {
            service.table.beginCount()
            _ = await other.ask(#"{"action":"sendMessage","roomId":"lobby","body":"x"}"#)
            #expect(service.table.cost.roundTrips == trips)
        }
    }

    @Test func `an authorizer's context stands in for what an instance does not know`() async throws {
        let (service, alice) = try await Self.room(10)
        let other = try Service(beside: service)
        let authorizer = ["userId": "alice", "tenantId": "acme"]
        service.table.beginCount()
        _ = await other.outcome(alice.id, #"{"action":"sendMessage","roomId":"lobby","body":"x"}"#, authorizer: authorizer)
        #expect(service.table.cost.roundTrips == 2)
    }

    @Test(arguments: [1, 5]) func `connecting is one transaction`(nth: Int) async throws {
        let service = try Service()
        for _ in 1..<nth { _ = await service.connect("alice") }
        service.table.beginCount()
        _ = await service.connect("alice")
        let cost = service.table.cost
        #expect(cost.roundTrips == 1 && cost.writeUnits == 6 && cost.indexWrites == 2 && cost.readUnits == 0, "\(cost)")
    }

    @Test(arguments: [10, 100]) func `joining costs one transaction, the head and the roster`(others: Int) async throws {
        let (service, _) = try await Self.room(others)
        let bob = await service.connect("bob")
        service.table.beginCount()
        let (_, publish) = await bob.ask(#"{"action":"joinRoom","roomId":"lobby"}"#)
        let cost = service.table.cost
        #expect(cost.roundTrips == 5 && cost.writeUnits == 8 && cost.indexWrites == 1, "\(cost)")
        #expect(cost.readUnits <= (others == 100 ? 11 : 6), "\(cost)")
        await publish()
        #expect(service.table.cost.writeUnits == cost.writeUnits + 2, "the mark and its due row go")
    }

    @Test func `a second device costs no mark, and joining again costs no write`() async throws {
        let (service, alice) = try await Self.room(10)
        let phone = await service.connect("alice")
        service.table.beginCount()
        await phone.join("lobby")
        #expect(service.table.cost.writeUnits == 6, "\(service.table.cost)")
        service.table.beginCount()
        await alice.join("lobby")
        #expect(service.table.cost.writes == 0)
    }

    @Test func `renewing a lease writes one item whatever the frame`() async throws {
        let (service, alice) = try await Self.room(10)
        service.advance(150)
        service.table.beginCount()
        let (_, renew) = await alice.ask(#"{"action":"online","roomId":"lobby"}"#)
        #expect(service.table.cost.writes == 0, "after the reply")
        await renew()
        #expect(service.table.cost.writes == 1 && service.table.cost.writeUnits == 1 && service.table.cost.indexWrites == 0)
    }

    @Test(arguments: [(5000, 1), (100, 4)] as [(Int64, Int)])
    func `a new token writes the connection, and a shorter one its row in the wheel with it`(seconds: Int64, units: Int) async throws {
        let (service, alice) = try await Self.room(10)
        let token = service.token("alice", expiresIn: seconds)
        service.table.beginCount()
        #expect(await alice.send(#"{"action":"refreshToken","token":"\#(token)"}"#).type == "refreshed")
        let cost = service.table.cost
        #expect(cost.writes == 1 && cost.writeUnits == units && cost.indexWrites == 0 && cost.readUnits == 2, "\(cost)")
    }

    @Test func `leaving a room costs one transaction and ending one for each room and one more`() async throws {
        let (service, alice) = try await Self.room(10)
        _ = await alice.ask(#"{"action":"leaveRoom","roomId":"lobby"}"#)
        #expect(service.table.cost.roundTrips == 3 && service.table.cost.writeUnits == 8, "\(service.table.cost)")

        let (other, bob) = try await Self.room(10)
        await bob.disconnect()
        #expect(other.table.cost.writes == 5, "the claim, the leave, the mark and its row, the end")
        #expect(other.table.cost.writeUnits == 1 + 6 + 2 + 6, "\(other.table.cost)")
    }
}
