import ChatModel
import ChatStore
import Simulation
import Testing

/// Leases and tokens: contract section 4.
@Suite struct LeaseTests {
    @Test func `a lease is written again only when a quarter of it is spent`() async throws {
        let service = try Service()
        let alice = await service.connect("alice")
        await alice.join("lobby")
        service.advance(149, milliseconds: 999)
        service.table.beginCount()
        let early = await alice.heartbeat()
        #expect(service.table.cost.writes == 0 && service.table.cost.roundTrips == 1)
        #expect(early.string("expiresAt") == (Timestamp(seconds: ManualClock.start.seconds) + 600).description)

        service.advance(0, milliseconds: 1)
        service.table.beginCount()
        let late = await alice.heartbeat()
        #expect(service.table.cost.writes == 1 && service.table.cost.indexWrites == 0 && service.table.cost.writeUnits == 1)
        #expect(late.string("expiresAt") == (Timestamp(seconds: ManualClock.start.seconds) + 750).description)
        #expect(late.string("at") == service.clock.now().description)
        #expect(late.int("interval") == 300)
        #expect(late.string("reconnectBy") == (ManualClock.start + 6900).description)

        service.table.beginCount()
        await alice.heartbeat()
        #expect(service.table.cost.writes == 0)
    }

    @Test(arguments: [
        #"{"action":"online"}"#, #"{"action":"joinRoom","roomId":"lobby"}"#, #"{"action":"history","destinationUserId":"x"}"#,
        #"{"action":"leaveRoom","roomId":"x"}"#, #"{"action":"sendMessage","destinationUserId":"x","body":"y"}"#,
        #"{"action":"heartbeat","rooms":true}"#, #"{"action":"heartbeat","rooms":7}"#, #"{"action":"no such"}"#,
        #"{"action":"refreshToken"}"#, #"{"action":"refreshToken","token":"a.b.c"}"#, "not JSON", "[]",
        #"{"action":"sendMessage","roomId":"not-joined","body":"y"}"#, #"{"requestId":[]}"#,
    ])
    func `every frame renews it, whatever it says`(frame: String) async throws {
        let service = try Service()
        let alice = await service.connect("alice")
        service.advance(599)
        await alice.send(frame)
        service.advance(599)
        #expect(await alice.heartbeat().type == "heartbeat")
        service.advance(601)
        let before = service.table.memory.allItems()
        #expect(await alice.send(frame).code == "gone")
        #expect(service.table.memory.allItems() == before, "nothing is resurrected")
    }

    @Test(arguments: Layout.all) func `expiry is judged at read, swept or not`(layout: Layout) async throws {
        let service = try Service(layout)
        let (alice, bob) = (await service.connect("alice"), await service.connect("bob"))
        await alice.join("lobby")
        await bob.join("lobby")
        service.advance(300)
        await bob.heartbeat()
        service.advance(299, milliseconds: 599)
        let lobby = #"{"action":"online","roomId":"lobby"}"#
        #expect(await bob.send(lobby).strings("users", of: "userId") == ["alice", "bob"])
        service.advance(0, milliseconds: 1)
        for query in [#"{"action":"online"}"#, lobby] {
            #expect(await bob.send(query).strings("users", of: "userId") == ["bob"])
        }
        #expect(await alice.heartbeat().code == "gone")
        try await service.sweep()
        #expect(await alice.heartbeat().code == "gone")
        #expect(bob.presence == ["leave alice expired"])
        #expect(alice.close == .goingAway)
        #expect(await bob.join("lobby").int("memberCount") == 1)
        #expect(Audit(service).faults == [])
    }

    @Test func `a silent connection expires seven and a half to ten minutes after its last frame`() async throws {
        for last in stride(from: Int64(0), through: 300, by: 25) {
            let service = try Service()
            let alice = await service.connect("alice")
            service.advance(last)
            await alice.heartbeat()
            service.advance(449, milliseconds: 500)
            let watcher = await service.connect("watcher")
            #expect(await watcher.send(#"{"action":"online"}"#).int("count") == 2, "last frame at \(last)")
            service.advance(150, milliseconds: 500)
            #expect(await watcher.send(#"{"action":"online"}"#).int("count") == 1, "last frame at \(last)")
        }
    }

    // Tokens

    @Test func `no lease outlives the token, and then the frame is answered and the socket closed`() async throws {
        let service = try Service()
        let watcher = await service.connect("watcher")
        await watcher.join("lobby")
        let alice = await service.connect("alice", expiresIn: 200)
        await alice.join("lobby")
        service.advance(180)
        let end = Timestamp(seconds: ManualClock.start.seconds + 200)
        #expect(await alice.heartbeat().string("expiresAt") == end.description)
        service.advance(20)
        let (reply, close) = await alice.ask(#"{"action":"heartbeat","requestId":"r"}"#)
        #expect(reply.code == "token_expired" && reply.int("status") == 401 && reply.string("requestId") == "r")
        #expect(alice.close == nil, "told first, closed then")
        await close()
        #expect(alice.close == .tokenExpired)
        #expect(watcher.presence == ["join alice", "leave alice expired"])
        #expect(await alice.heartbeat().code == "gone")
        #expect(Audit(service).faults == [])
    }

    @Test func `who has a new token by another instance's clock is not ended for the old one`() async throws {
        let service = try Service()
        let other = try Service(beside: service)
        let watcher = await service.connect("watcher")
        await watcher.join("lobby")
        let alice = await service.connect("alice", expiresIn: 200)
        await alice.join("lobby")
        service.advance(200)
        let (reply, close) = await alice.ask(#"{"action":"heartbeat"}"#)
        #expect(reply.code == "token_expired")
        // By this clock the token was good for a tenth of a second more.
        service.clock.advance(milliseconds: -500)
        let token = service.token("alice", expiresIn: 5000)
        #expect(await Client(service: other, id: alice.id).send(#"{"action":"refreshToken","token":"\#(token)"}"#).type == "refreshed")
        service.clock.advance(milliseconds: 500)
        await close()
        #expect(alice.close == nil)
        #expect(watcher.presence == ["join alice"])
        #expect(await alice.heartbeat().type == "heartbeat")
        #expect(Audit(service).faults == [])
    }

    @Test func `the sweep closes with 4401 what the token ended`() async throws {
        let service = try Service()
        let alice = await service.connect("alice", expiresIn: 90)
        service.advance(90)
        try await service.sweep()
        #expect(alice.close == .tokenExpired)
    }

    @Test func `a new token moves the end, and only of the same user and tenant`() async throws {
        let service = try Service()
        let alice = await service.connect("alice", expiresIn: 300)
        func refresh(_ token: String) async -> Frame { await alice.send(#"{"action":"refreshToken","token":"\#(token)"}"#) }
        for token in [
            service.token("bob"), service.token("alice", "globex"), service.token("alice", expiresIn: -1), "a.b.c", "",
        ] {
            let before = service.table.memory.allItems()
            let refused = await refresh(token)
            #expect(refused.code == "unauthorized" && refused.int("status") == 401)
            #expect(service.table.memory.allItems() == before)
        }
        #expect(await alice.send(#"{"action":"refreshToken"}"#).code == "bad_request")
        service.advance(200)
        let reply = await refresh(service.token("alice", expiresIn: 5000))
        #expect(reply.string("expiresAt") == Timestamp(seconds: ManualClock.start.seconds + 5200).description)
        service.advance(500)
        #expect(await alice.heartbeat().type == "heartbeat")
        #expect(Audit(service).faults == [])
    }

    @Test(arguments: [true, false]) func `a shorter token ends the connection in time`(isRefreshedAgain: Bool) async throws {
        let service = try Service()
        let watcher = await service.connect("watcher")
        await watcher.join("lobby")
        let alice = await service.connect("alice")
        await alice.join("lobby")
        await alice.send(#"{"action":"refreshToken","token":"\#(service.token("alice", expiresIn: 100))"}"#)
        #expect(Audit(service).faults.filter { !$0.hasPrefix("LEASE") } == [])
        if isRefreshedAgain {
            await alice.send(#"{"action":"refreshToken","token":"\#(service.token("alice", expiresIn: 10_000))"}"#)
        }
        try await service.advance(160, sweepingEvery: 20)
        #expect(watcher.presence == (isRefreshedAgain ? ["join alice"] : ["join alice", "leave alice expired"]))
        await watcher.heartbeat()
        try await service.advance(440, sweepingEvery: 20)
        await watcher.heartbeat()
        try await service.advance(60, sweepingEvery: 20)
        #expect(watcher.presence == ["join alice", "leave alice expired"])
        #expect(Audit(service).faults == [], "both rows of the wheel are gone")
    }

    @Test func `a heartbeat beside a refresh is no frame on an ended connection`() async throws {
        for refreshed in [100, 5000] as [Int64] {
            let service = try Service()
            let alice = await service.connect("alice")
            service.advance(200)
            let token = service.token("alice", expiresIn: refreshed)
            // The heartbeat has read the connection when the new token is stored.
            let once = Once()
            service.table.beforeWrite { write in
                guard write.contains(where: { $0.isLease }), once.take() else { return }
                await alice.send(#"{"action":"refreshToken","token":"\#(token)"}"#)
            }
            let beat = await alice.heartbeat()
            #expect(beat.type == "heartbeat", "\(beat)")
            let end = service.clock.now().seconds + min(600, refreshed)
            #expect(beat.string("expiresAt") == Timestamp(seconds: end).description)
        }
    }
}
