import ChatModel
import Testing

/// `online`, `history`, `heartbeat` and what every frame has in common: contract section 3.
@Suite struct ReadingTests {
    // online

    @Test(arguments: Layout.all, [1, 2, 7, 1000])
    func `online goes through users by the bytes of their ids, page by page`(layout: Layout, limit: Int) async throws {
        let service = try Service(layout)
        let names = ["a", "a b", "a!", "a#b", "a%b", "a$", "a\"b", "é", "e\u{301}", "😀", "z", "a#", "aa", "A", "\u{A0}"]
        try await service.fill("lobby", names)
        let alice = await service.connect("a")
        await alice.join("lobby")
        service.settleIndexes()
        let expected = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        for scope in ["", #","roomId":"lobby""#] {
            var seen: [String] = [], next: String?
            repeat {
                let more = next.map { #","next":"\#($0)""# } ?? ""
                let page = await alice.send(#"{"action":"online","limit":\#(limit)\#(scope)\#(more)}"#)
                let users = page.strings("users", of: "userId")
                #expect(page.int("count") == Int64(users.count) && users.count <= limit)
                if users.first == "a" { #expect(page.list("users")[0]["connections"]?.int64 == 2) }
                seen += users
                next = page.string("next")
                try #require(seen.count <= expected.count)
            } while next != nil
            #expect(seen.map { Array($0.utf8) } == expected.map { Array($0.utf8) })
        }
    }

    @Test func `connections are counted where one asked, and last seen is the latest`() async throws {
        let service = try Service()
        let devices = [await service.connect("alice"), await service.connect("alice"), await service.connect("alice")]
        await devices[0].join("lobby")
        await devices[1].join("lobby")
        service.advance(200)
        await devices[1].heartbeat()
        func alice(_ frame: String) async -> (Int64?, String?) {
            let user = await devices[0].send(frame).list("users")[0]
            return (user["connections"]?.int64, user["lastSeen"]?.string)
        }
        let now = service.clock.now().description
        #expect(await alice(#"{"action":"online"}"#) == (3, now))
        #expect(await alice(#"{"action":"online","roomId":"lobby"}"#) == (2, now))
        await devices[2].disconnect()
        #expect(await alice(#"{"action":"online"}"#) == (2, now))
    }

    @Test(arguments: [
        #""limit":0"#, #""limit":1001"#, #""limit":"5""#, #""limit":1.5"#, #""next":"%""#, #""next":7"#, #""roomId":"a b""#,
    ])
    func `what is out of range is a bad request`(fields: String) async throws {
        let service = try Service()
        let alice = await service.connect("alice")
        #expect(await alice.send(#"{"action":"online",\#(fields)}"#).code == "bad_request")
    }

    @Test func `history and the online of a room need membership`() async throws {
        let service = try Service()
        let (alice, bob) = (await service.connect("alice"), await service.connect("bob"))
        await bob.join("lobby")
        for frame in [#"{"action":"online","roomId":"lobby"}"#, #"{"action":"history","roomId":"lobby"}"#] {
            #expect(await alice.send(frame).code == "not_joined")
            #expect(await bob.send(frame).type != "error")
        }
        await bob.leave("lobby")
        #expect(await bob.send(#"{"action":"history","roomId":"lobby"}"#).code == "not_joined")
    }

    // history

    @Test(arguments: Layout.all) func `history comes oldest first from either end`(layout: Layout) async throws {
        let service = try Service(layout)
        let alice = await service.connect("alice")
        await alice.join("lobby")
        for number in 1...60 { await alice.say("\(number)", in: "lobby") }
        func page(_ fields: String) async -> ([Int64], Bool?) {
            let reply = await alice.send(#"{"action":"history","roomId":"lobby"\#(fields)}"#)
            return (reply.seqs("messages"), reply.bool("more"))
        }
        #expect(await page("") == (Array(11...60), true))
        #expect(await page(#","limit":60"#) == (Array(1...60), false))
        #expect(await page(#","limit":3"#) == ([58, 59, 60], true))
        #expect(await page(#","before":11"#) == (Array(1...10), false))
        #expect(await page(#","before":11,"limit":10"#) == (Array(1...10), false))
        #expect(await page(#","before":11,"limit":9"#) == (Array(2...10), true))
        #expect(await page(#","before":1"#) == ([], false))
        #expect(await page(#","after":0,"limit":2"#) == ([1, 2], true))
        #expect(await page(#","after":58,"limit":2"#) == ([59, 60], false))
        #expect(await page(#","after":60"#) == ([], false))
        #expect(await page(#","after":9223372036854775807"#) == ([], false))
        #expect(await page(#","before":9223372036854775807,"limit":1"#) == ([60], true))
        for fields in [#","before":0"#, #","after":-1"#, #","before":2,"after":1"#, #","limit":301"#, #","limit":0"#] {
            #expect(await alice.send(#"{"action":"history","roomId":"lobby"\#(fields)}"#).code == "bad_request", "\(fields)")
        }
    }

    @Test(arguments: Layout.all) func `messages age out and the numbers go on`(layout: Layout) async throws {
        var settings = Settings()
        settings.historyTTL = 100
        let service = try Service(layout, settings: settings)
        let alice = await service.connect("alice")
        await alice.join("lobby")
        for _ in 1...6 {
            await alice.say("x", in: "lobby")
            service.advance(30)
        }
        let page = await alice.send(#"{"action":"history","roomId":"lobby"}"#)
        #expect(page.seqs("messages") == [4, 5, 6] && page.bool("more") == false)
        service.advance(200)
        #expect(await alice.send(#"{"action":"history","roomId":"lobby"}"#).seqs("messages") == [])
        #expect(await alice.say("x", in: "lobby").int("seq") == 7)
    }

    @Test func `a page of more bytes than a frame holds stops short and says so`() async throws {
        let service = try Service()
        let alice = await service.connect("alice")
        await alice.join("lobby")
        let body = String(repeating: "x", count: Limits.bodyBytes)
        for _ in 1...10 { await alice.say(body, in: "lobby") }
        let newest = await alice.send(#"{"action":"history","roomId":"lobby"}"#)
        #expect(newest.bytes.count <= Limits.messageBytes && newest.bool("more") == true && newest.seqs("messages").last == 10)
        let oldest = await alice.send(#"{"action":"history","roomId":"lobby","after":0}"#)
        #expect(oldest.bytes.count <= Limits.messageBytes && oldest.bool("more") == true && oldest.seqs("messages").first == 1)
    }

    // What every frame has in common

    @Test func `a heartbeat tells the newest of each room if asked`() async throws {
        let service = try Service()
        let alice = await service.connect("alice")
        #expect(await alice.send(#"{"action":"heartbeat","rooms":true}"#)["rooms"]?.object?.members.isEmpty == true)
        await alice.join("b")
        await alice.join("a")
        await alice.say("x", in: "b")
        let rooms = await alice.send(#"{"action":"heartbeat","rooms":true}"#)["rooms"]?.object
        #expect(rooms?.members.map(\.name) == ["a", "b"] && rooms?["a"]?.int64 == 0 && rooms?["b"]?.int64 == 1)
        #expect(await alice.heartbeat()["rooms"] == nil)
        #expect(await alice.send(#"{"action":"heartbeat","rooms":1}"#).code == "bad_request")
    }

    @Test(arguments: [
        ("", "bad_request"), ("[]", "bad_request"), ("null", "bad_request"), (#""x""#, "bad_request"), ("{", "bad_request"),
        ("{}", "unknown_action"), (#"{"action":7}"#, "unknown_action"), (#"{"action":null}"#, "unknown_action"),
        (#"{"action":"$connect"}"#, "unknown_action"), (#"{"action":"$disconnect"}"#, "unknown_action"),
        (#"{"action":"JoinRoom"}"#, "unknown_action"), (#"{"action":"heartbeat","requestId":true}"#, "bad_request"),
        (#"{"action":"heartbeat","requestId":{}}"#, "bad_request"), (#"{"action":"joinRoom"}"#, "bad_request"),
        (#"{"action":"joinRoom","roomId":""}"#, "bad_request"), (#"{"action":"leaveRoom"}"#, "bad_request"),
    ])
    func `a bad frame is an error, changes nothing and keeps the connection`(frame: String, code: String) async throws {
        let service = try Service()
        let alice = await service.connect("alice")
        let before = service.table.memory.allItems()
        let reply = await alice.send(frame)
        #expect(reply.type == "error" && reply.code == code, "\(reply)")
        #expect(service.table.memory.allItems() == before && alice.close == nil)
        #expect(await alice.heartbeat().type == "heartbeat")
    }

    @Test(arguments: [
        #"{"action":"joinRoom","roomId":"den","requestId":1}"#, #"{"action":"leaveRoom","roomId":"lobby","requestId":1}"#,
        #"{"action":"sendMessage","roomId":"lobby","body":"x","requestId":1}"#, #"{"action":"heartbeat","requestId":1}"#,
        #"{"action":"sendMessage","destinationUserId":"bob","body":"x","requestId":1}"#,
    ])
    func `an engine that fails is internal, with nothing changed and nothing told`(frame: String) async throws {
        let service = try Service()
        let (alice, bob) = (await service.connect("alice"), await service.connect("bob"))
        await alice.join("lobby")
        await bob.join("lobby")
        service.advance(200)
        let (before, frames) = (service.table.memory.allItems(), bob.frames)
        service.table.fail(ProbedTable.Fault(write: 1, moment: .before, isFatal: false))
        let reply = await alice.send(frame)
        #expect(reply.code == "internal" && reply.int("status") == 500 && reply.int("requestId") == 1)
        #expect(!reply.description.contains("asked to fail"), "the cause is for the log")
        #expect(service.table.memory.allItems() == before && bob.frames == frames)
    }

    @Test func `a connection that never was is gone`() async throws {
        let service = try Service()
        for id in ["never=", "no#such", ""] {
            #expect(await Client(service: service, id: id).heartbeat().code == "gone")
        }
    }
}
