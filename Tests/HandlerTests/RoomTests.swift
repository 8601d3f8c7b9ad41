import ChatModel
import Simulation
import Testing

/// `joinRoom` and `leaveRoom`: contract section 3.
@Suite struct RoomTests {
    @Test(arguments: Layout.all) func `joining says who is there and what is newest`(layout: Layout) async throws {
        let service = try Service(layout)
        let alice = await service.connect("alice")
        let first = await alice.join("lobby", #","requestId":7.0"#)
        #expect(first.int("seq") == 0)
        #expect(first.string("connectionId") == alice.id)
        #expect(first.string("epoch")?.isEmpty == false)
        #expect(first["requestId"]?.number?.text == "7.0")
        #expect(first["missed"] == nil && first["recovered"] == nil && first["presence"] == nil)
        await alice.say("hi", in: "lobby")

        service.advance(1)
        let second = await service.connect("bob").join("lobby")
        #expect(second.int("seq") == 1)
        #expect(second.string("epoch") == first.string("epoch"))
        #expect(second.strings("members", of: "userId") == ["alice", "bob"])
        #expect(second.int("memberCount") == 2)
        #expect(second.list("members")[0]["joinedAt"]?.string == ManualClock.start.description)
    }

    @Test(arguments: Layout.all)
    func `two hundred members are listed, by id, each once, and all are counted`(layout: Layout) async throws {
        let service = try Service(layout)
        let users = (0..<205).map { "user-\(1000 + $0)" }
        try await service.fill("big", users.reversed())
        let reply = await service.connect(users[0]).join("big")
        #expect(reply.strings("members", of: "userId") == Array(users.prefix(200)))
        #expect(reply.int("memberCount") == 205)
        #expect(reply.bytes.count <= Limits.messageBytes)
    }

    @Test func `joining twice is joined twice, one membership and one presence event`() async throws {
        let service = try Service()
        let watcher = await service.connect("watcher")
        await watcher.join("lobby")
        let alice = await service.connect("alice")
        let first = await alice.join("lobby")
        let second = await alice.join("lobby")
        #expect(first == second)
        #expect(watcher.presence == ["join alice"])
        await alice.leave("lobby")
        #expect(watcher.presence == ["join alice", "leave alice left"])
        #expect(Audit(service).faults == [])
    }

    @Test func `leaving a room not joined is left and nothing happens`() async throws {
        let service = try Service()
        let watcher = await service.connect("watcher")
        await watcher.join("lobby")
        let alice = await service.connect("alice")
        service.table.beginCount()
        #expect(await alice.leave("lobby").string("roomId") == "lobby")
        #expect(service.table.cost.writes == 0)
        #expect(watcher.presence == [])
        #expect(await alice.leave("never-made").type == "left")
    }

    @Test func `a connection is in a hundred rooms and no more`() async throws {
        let service = try Service()
        let alice = await service.connect("alice")
        for number in 1...100 { await alice.join("room-\(number)") }
        let before = service.table.memory.allItems()
        let refused = await alice.send(#"{"action":"joinRoom","roomId":"one-more"}"#)
        #expect(refused.code == "limit_exceeded" && refused.int("status") == 429)
        #expect(service.table.memory.allItems() == before)
        await alice.join("room-100")
        await alice.leave("room-1")
        await alice.join("one-more")
        await alice.disconnect()
        #expect(Audit(service).faults == [])
    }

    @Test(arguments: [
        ("lobby", ["lobby"], true), ("lobby2", ["lobby"], false), ("lobby", ["lob*"], true), ("lob", ["lob*"], true),
        ("lo", ["lob*"], false), ("any", ["*"], true), ("any", [], false), ("a*", ["a*"], nil), ("LOBBY", ["lobby"], false),
        ("team-1", ["x", "team-*"], true),
    ] as [(String, [String], Bool?)])
    func `a token's rooms are exact names or prefixes`(room: String, allowed: [String], isAllowed: Bool?) async throws {
        let service = try Service()
        let alice = await service.connect("alice", rooms: allowed)
        let reply = await alice.send(#"{"action":"joinRoom","roomId":"\#(room)"}"#)
        switch isAllowed {
        case true: #expect(reply.type == "joined")
        case false: #expect(reply.code == "forbidden" && reply.int("status") == 403)
        case nil: #expect(reply.code == "bad_request")
        }
    }

    @Test func `a room of one tenant is nothing to another`() async throws {
        let service = try Service()
        let (alice, eve) = (await service.connect("alice"), await service.connect("alice", "globex"))
        await alice.join("lobby")
        await alice.say("secret", in: "lobby")
        let joined = await eve.join("lobby", #","since":0"#)
        #expect(joined.int("seq") == 0 && joined.int("memberCount") == 1 && joined.list("missed").isEmpty)
        await alice.say("more", in: "lobby")
        await alice.tell("alice", "to myself")
        #expect(eve.frames == [] && alice.presence == [])
        #expect(await eve.send(#"{"action":"online"}"#).int("count") == 1)
    }

    // Recovery

    @Test(arguments: Layout.all) func `what was missed comes back, and only provably all of it is recovered`(layout: Layout) async throws {
        let service = try Service(layout)
        let alice = await service.connect("alice")
        let epoch = await alice.join("lobby").string("epoch") ?? ""
        for number in 1...5 { await alice.say("\(number)", in: "lobby") }
        let bob = await service.connect("bob")
        func rejoin(_ more: String) async -> ([Int64], Bool?) {
            let reply = await bob.join("lobby", more)
            return (reply.seqs("missed"), reply.bool("recovered"))
        }
        #expect(await rejoin(#","since":2"#) == ([3, 4, 5], true))
        #expect(await rejoin(#","since":2,"epoch":"\#(epoch)""#) == ([3, 4, 5], true))
        #expect(await rejoin(#","since":0"#) == ([1, 2, 3, 4, 5], true))
        #expect(await rejoin(#","since":5"#) == ([], true))
        #expect(await rejoin(#","since":6"#) == ([], false))
        #expect(await rejoin(#","since":2,"epoch":"another""#) == ([], false))
        #expect(await rejoin(#","since":5,"epoch":"another""#) == ([], false))
        #expect(await rejoin(#","since":9223372036854775807"#) == ([], false))
        #expect(await bob.send(#"{"action":"joinRoom","roomId":"lobby","since":-1}"#).code == "bad_request")
    }

    @Test(arguments: Layout.all) func `of a gap of more than three hundred the oldest part comes`(layout: Layout) async throws {
        let service = try Service(layout)
        let alice = await service.connect("alice")
        await alice.join("lobby")
        for number in 1...301 { _ = await alice.ask(#"{"action":"sendMessage","roomId":"lobby","body":"\#(number)"}"#) }
        let all = await alice.join("lobby", #","since":0"#)
        #expect(all.seqs("missed") == Array(1...300) && all.bool("recovered") == false)
        let rest = await alice.join("lobby", #","since":1"#)
        #expect(rest.seqs("missed") == Array(2...301) && rest.bool("recovered") == true)
    }

    @Test func `a gap of more bytes than a frame holds comes in part and is not recovered`() async throws {
        let service = try Service()
        let alice = await service.connect("alice")
        await alice.join("lobby")
        let body = String(repeating: "x", count: Limits.bodyBytes)
        for _ in 1...10 { await alice.say(body, in: "lobby") }
        let reply = await alice.join("lobby", #","since":0"#)
        #expect(reply.bytes.count <= Limits.messageBytes)
        #expect(reply.seqs("missed") == Array(1...Int64(reply.seqs("missed").count)))
        #expect((5...9).contains(reply.seqs("missed").count) && reply.bool("recovered") == false)
    }

    @Test func `a gap whose beginning has aged out is not recovered`() async throws {
        var settings = Settings()
        settings.historyTTL = 60
        let service = try Service(settings: settings)
        let alice = await service.connect("alice")
        await alice.join("lobby")
        await alice.say("old", in: "lobby")
        service.advance(40)
        await alice.say("new", in: "lobby")
        service.advance(30)
        let reply = await alice.join("lobby", #","since":0"#)
        #expect(reply.seqs("missed") == [2] && reply.bool("recovered") == false)
        #expect(await alice.join("lobby", #","since":1"#).bool("recovered") == true)
        service.advance(3600)
        let later = await service.connect("bob").join("lobby", #","since":1"#)
        #expect(later.seqs("missed") == [] && later.bool("recovered") == false && later.int("seq") == 2)
    }

    @Test func `a gap with a hole in the middle or at the end is not recovered`() async throws {
        let service = try Service()
        let alice = await service.connect("alice")
        await alice.join("lobby")
        await alice.say("kept", in: "lobby")
        // A deployment that keeps messages for a minute, between two that keep them for good.
        var brief = Settings()
        brief.historyTTL = 60
        let between = Client(service: try Service(beside: service, settings: brief), id: alice.id)
        await between.say("aged out", in: "lobby")
        service.advance(100)
        let end = await alice.join("lobby", #","since":0"#)
        #expect(end.seqs("missed") == [1] && end.bool("recovered") == false)
        await alice.say("kept too", in: "lobby")
        let middle = await alice.join("lobby", #","since":0"#)
        #expect(middle.seqs("missed") == [1, 3] && middle.bool("recovered") == false)
    }
}
