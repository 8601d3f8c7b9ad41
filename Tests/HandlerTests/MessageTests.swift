import ChatHandlers
import ChatModel
import ChatWire
import Simulation
import Testing

/// `sendMessage`: contract section 3.
@Suite struct MessageTests {
    let service: Service
    let alice: Client
    let bob: Client

    init() async throws {
        service = try Service()
        alice = await service.connect("alice")
        bob = await service.connect("bob")
    }

    @Test func `a message is numbered, acknowledged and told to all but the sending connection`() async {
        let phone = await service.connect("alice")
        for client in [alice, bob, phone] { await client.join("lobby") }
        service.poster.forgetFrames()
        let ack = await alice.say("hi", in: "lobby", #","requestId":"r1""#)
        #expect(ack.names == ["type", "requestId", "roomId", "messageId", "seq", "sentAt"])
        #expect(ack.int("seq") == 1 && ack.string("requestId") == "r1" && ack.string("messageId")?.count == 26)
        #expect(alice.frames == [])
        let text = #"{"type":"message","roomId":"lobby","messageId":"\#(ack.string("messageId") ?? "")","seq":1,"#
            + #""senderId":"alice","body":"hi","sentAt":"\#(ManualClock.start)"}"#
        #expect(bob.frames.map(\.description) == [text])
        #expect(phone.frames == bob.frames)
        #expect(await bob.say("2", in: "lobby").int("seq") == 2)
    }

    @Test func `the ack leaves before anything is posted`() async {
        await alice.join("lobby")
        await bob.join("lobby")
        let posts = service.poster.posts
        let (ack, fanOut) = await alice.ask(#"{"action":"sendMessage","roomId":"lobby","body":"x"}"#)
        #expect(ack.type == "ack" && service.poster.posts == posts)
        let (direct, deliver) = await alice.ask(#"{"action":"sendMessage","destinationUserId":"bob","body":"y"}"#)
        #expect(direct.int("delivered") == 1 && service.poster.posts == posts)
        let (left, publish) = await bob.ask(#"{"action":"leaveRoom","roomId":"lobby"}"#)
        #expect(left.type == "left" && service.poster.posts == posts)
        let (joined, welcome) = await bob.ask(#"{"action":"joinRoom","roomId":"lobby"}"#)
        #expect(joined.type == "joined" && service.poster.posts == posts)
        for work in [fanOut, deliver, publish, welcome] { await work() }
        #expect(bob.frames.bodies == ["x", "y"] && service.poster.posts == posts + 4)
    }

    @Test func `one who joined after the ack and before the fan-out gets the message`() async {
        await alice.join("lobby")
        let (_, fanOut) = await alice.ask(#"{"action":"sendMessage","roomId":"lobby","body":"x"}"#)
        #expect(await bob.join("lobby").int("seq") == 1)
        await fanOut()
        #expect(bob.frames.bodies == ["x"])
    }

    @Test func `a room not joined takes nothing`() async {
        await bob.join("lobby")
        let before = service.table.memory.allItems()
        let refused = await alice.say("x", in: "lobby")
        #expect(refused.code == "not_joined" && refused.int("status") == 403)
        #expect(await alice.say("x", in: "never-made").code == "not_joined")
        #expect(service.table.memory.allItems() == before && bob.frames == [])
        await alice.join("lobby")
        await alice.leave("lobby")
        #expect(await alice.say("x", in: "lobby").code == "not_joined")
    }

    @Test func `the room may be left out while there is exactly one`() async {
        let unnamed = #"{"action":"sendMessage","body":"x"}"#
        #expect(await alice.send(unnamed).code == "not_joined")
        await alice.join("lobby")
        #expect(await alice.send(unnamed).string("roomId") == "lobby")
        #expect(await alice.send(#"{"action":"sendMessage","roomId":null,"everyone":false,"body":"x"}"#).int("seq") == 2)
        await alice.join("den")
        #expect(await alice.send(unnamed).code == "bad_request")
        await alice.leave("lobby")
        #expect(await alice.send(unnamed).string("roomId") == "den")
    }

    @Test(arguments: [
        #""roomId":"lobby","destinationUserId":"bob""#, #""roomId":"lobby","everyone":true"#,
        #""destinationUserId":"bob","everyone":true"#, #""roomId":"no#room""#, #""destinationUserId":"""#,
        #""roomId":7"#, #""everyone":"yes""#, #""clientMessageId":"""#, #""clientMessageId":7"#,
    ])
    func `what cannot be addressed is a bad request and changes nothing`(fields: String) async {
        await alice.join("lobby")
        await bob.join("lobby")
        let (before, frames) = (service.table.memory.allItems(), bob.frames)
        let reply = await alice.send(#"{"action":"sendMessage","body":"x",\#(fields)}"#)
        #expect(reply.code == "bad_request", "\(reply)")
        #expect(service.table.memory.allItems() == before && bob.frames == frames)
    }

    @Test func `a body is one byte to sixteen kilobytes, and an id one to a hundred and twenty-eight bytes`() async {
        await alice.join("lobby")
        let whole = String(repeating: "é", count: Limits.bodyBytes / 2)
        #expect(await alice.say("x", in: "lobby").type == "ack")
        #expect(await alice.say(whole, in: "lobby").type == "ack")
        #expect(await alice.say(whole + "x", in: "lobby").code == "too_large")
        #expect(await alice.say("", in: "lobby").code == "bad_request")
        #expect(await alice.send(#"{"action":"sendMessage","roomId":"lobby"}"#).code == "bad_request")
        let id = String(repeating: "i", count: 128)
        #expect(await alice.say("x", in: "lobby", #","clientMessageId":"\#(id)""#).type == "ack")
        #expect(await alice.say("x", in: "lobby", #","clientMessageId":"\#(id)i""#).code == "bad_request")
    }

    // Duplicates

    @Test(arguments: Layout.all) func `a repeated id within ten minutes is the first message again`(layout: Layout) async throws {
        let service = try Service(layout)
        let (alice, bob) = (await service.connect("alice"), await service.connect("bob"))
        await alice.join("lobby")
        await bob.join("lobby")
        let first = await alice.say("x", in: "lobby", #","clientMessageId":"m1""#)
        #expect(first["duplicate"] == nil)
        service.advance(599, milliseconds: 999)
        let again = await Client(service: service, id: await service.connect("alice").id).say2("other", #""clientMessageId":"m1""#)
        #expect(again.bool("duplicate") == true)
        #expect(again.int("seq") == 1 && again.string("messageId") == first.string("messageId"))
        #expect(again.string("sentAt") == first.string("sentAt"))
        #expect(bob.frames.bodies == ["x"])
        service.advance(0, milliseconds: 1)
        let later = await service.connect("alice").say2("y", #""clientMessageId":"m1""#)
        #expect(later["duplicate"] == nil && later.int("seq") == 2)
    }

    @Test func `duplicates are judged per sender and per destination`() async {
        for client in [alice, bob] {
            await client.join("lobby")
            await client.join("den")
        }
        let id = #","clientMessageId":"m#1%""#
        let acks = [
            await alice.say("1", in: "lobby", id), await bob.say("2", in: "lobby", id), await alice.say("3", in: "den", id),
            await alice.tell("bob", "4", id), await bob.tell("alice", "5", id), await alice.tell("alice", "6", id),
            await alice.tell("carol", "7", id),
        ]
        for ack in acks { #expect(ack.type == "ack" && ack["duplicate"] == nil, "\(ack)") }
        #expect(await bob.tell("alice", "5", id).bool("duplicate") == true)
        #expect(await alice.tell("bob", "4", id).bool("duplicate") == true)
        #expect(await alice.tell("alice", "6", id).bool("duplicate") == true)
        #expect(await bob.say("2", in: "lobby", id).bool("duplicate") == true)
    }

    // Conversations

    @Test func `a conversation of two has its own numbers, both ways`() async {
        let (phone, tablet) = (await service.connect("alice"), await service.connect("bob"))
        let first = await alice.tell("bob", "hi")
        #expect(first.names == ["type", "destinationUserId", "messageId", "seq", "sentAt", "delivered"])
        #expect(first.int("seq") == 1 && first.int("delivered") == 2)
        #expect(await bob.tell("alice", "hello").int("seq") == 2)
        #expect(await alice.tell("carol", "hi").int("seq") == 1)
        #expect(bob.frames.bodies == ["hi"] && tablet.frames.bodies == ["hi", "hello"])
        #expect(alice.frames.bodies == ["hello"] && phone.frames.bodies == ["hi", "hello", "hi"])
        let copy = phone.frames[0]
        #expect(copy.string("destinationUserId") == "bob" && copy["roomId"] == nil && copy.string("senderId") == "alice")
        for (client, other) in [(alice, "bob"), (bob, "alice")] {
            let history = await client.send(#"{"action":"history","destinationUserId":"\#(other)"}"#)
            #expect(history.strings("messages", of: "body") == ["hi", "hello"])
            #expect(history.strings("messages", of: "destinationUserId") == ["bob", "alice"])
        }
    }

    @Test func `a conversation with oneself reaches the other devices once`() async {
        let phone = await service.connect("alice")
        let ack = await alice.tell("alice", "note")
        #expect(ack.int("seq") == 1)
        #expect(phone.frames.bodies == ["note"] && alice.frames == [])
        #expect(await alice.tell("alice", "note").int("seq") == 2)
        #expect(await phone.send(#"{"action":"history","destinationUserId":"alice"}"#).seqs("messages") == [1, 2])
    }

    @Test func `delivered counts live connections and a message to nobody is stored`() async {
        #expect(await alice.tell("nobody", "x").int("delivered") == 0)
        service.advance(300)
        await alice.heartbeat()
        service.advance(301)
        #expect(await alice.tell("bob", "y").int("delivered") == 0)
        #expect(bob.frames == [], "an expired lease gets nothing")
        #expect(await service.connect("bob").send(#"{"action":"history","destinationUserId":"alice"}"#).seqs("messages") == [1])
    }

    @Test func `ids that only look alike are different users`() async {
        let composed = await service.connect("\u{E9}")
        let decomposed = await service.connect("e\u{301}")
        await alice.tell("\u{E9}", "one")
        #expect(composed.frames.bodies == ["one"] && decomposed.frames == [])
        #expect(await alice.tell("e\u{301}", "two").int("seq") == 1)
        await composed.join("lobby")
        await decomposed.join("lobby")
        #expect(await alice.join("lobby").int("memberCount") == 3)
    }

    // To everyone

    @Test(arguments: Layout.all) func `an admin speaks to everyone in the tenant, unstored`(layout: Layout) async throws {
        let service = try Service(layout)
        let admin = await service.connect("root", roles: ["admin"])
        let others = [await service.connect("root"), await service.connect("alice"), await service.connect("bob")]
        let foreigner = await service.connect("eve", "globex")
        service.settleIndexes()
        let before = service.table.memory.allItems()
        let ack = await admin.send(#"{"action":"sendMessage","everyone":true,"body":"news"}"#)
        #expect(ack.names == ["type", "messageId", "sentAt"])
        for client in others {
            #expect(client.frames.bodies == ["news"] && client.frames[0].bool("everyone") == true)
            #expect(client.frames[0]["seq"] == nil && client.frames[0]["roomId"] == nil)
        }
        #expect(admin.frames == [] && foreigner.frames == [])
        #expect(service.table.memory.allItems() == before)
    }

    @Test func `nobody else speaks to everyone`() async {
        service.settleIndexes()
        #expect(await alice.send(#"{"action":"sendMessage","everyone":true,"body":"news"}"#).code == "forbidden")
        let almost = await service.connect("root", roles: ["Admin", "administrator"])
        #expect(await almost.send(#"{"action":"sendMessage","everyone":true,"body":"news"}"#).code == "forbidden")
        #expect(bob.frames == [])
    }

    // A backend

    @Test func `a backend speaks into rooms, to users and to everyone`() async {
        await alice.join("lobby")
        await bob.join("lobby")
        service.poster.forgetFrames()
        func publish(_ fields: String) async -> (Int, Frame) {
            let outcome = await Publish(service.services).handle(Array(#"{"tenantId":"acme","senderId":"alice","body":"x",\#(fields)}"#.utf8))
            await outcome.afterward?()
            return (outcome.response.statusCode, Frame(outcome.response.body ?? []))
        }
        let (status, ack) = await publish(#""roomId":"lobby","clientMessageId":"b1""#)
        #expect(status == 200 && ack.int("seq") == 1)
        #expect(alice.frames.count == 1 && bob.frames.count == 1, "no connection is excluded")
        #expect(await publish(#""roomId":"lobby","clientMessageId":"b1""#).1.bool("duplicate") == true)
        #expect(await publish(#""destinationUserId":"bob""#).1.int("delivered") == 1)
        service.settleIndexes()
        #expect(await publish(#""everyone":true"#).1.type == "ack")
        #expect(bob.frames.count == 3)
        #expect(await publish(#""x":1"#).0 == 400)
        #expect(await publish(#""roomId":"lobby","everyone":true"#).0 == 400)
        let (made, first) = await publish(#""roomId":"new-room""#)
        #expect(made == 200 && first.int("seq") == 1)
        #expect(Audit(service).faults == [])
    }
}

extension Client {
    /// Joins the lobby and says something there.
    fileprivate func say2(_ body: String, _ field: String) async -> Frame {
        await join("lobby")
        return await say(body, in: "lobby", ",\(field)")
    }
}
