import ChatModel
import ChatWire
import JSONCoding
import Simulation
import Testing

/// `next` of `online`: a position among the ids of whoever gives it, and nothing else. It grants nothing, so it needs no
/// signature: whatever it says, only users of the caller's own tenant can come behind it.
@Suite struct CursorTests {
    @Test func `a cursor of one tenant is in another a position among its own users`() async throws {
        let service = try Service()
        for user in ["alice", "bob", "carol"] { _ = await service.connect(user, "acme") }
        let mallory = await service.connect("mallory", "other")
        _ = await service.connect("bea", "other")
        let first = await service.connect("alice", "acme").send(#"{"action":"online","limit":2}"#)
        let next = try #require(first.string("next"))
        let reply = await mallory.send(#"{"action":"online","next":"\#(next)"}"#)
        #expect(reply.strings("users", of: "userId") == ["mallory"])
        #expect(reply.int("count") == 1)
    }

    @Test(arguments: [UInt64(1), 2, 3]) func `a cursor that was made up or changed is refused, or a position`(_ seed: UInt64) async throws {
        let service = try Service(Layout(pageSize: 2))
        let random = SeededRandom(seed)
        let roll = { (count: Int) in Int(random.next() >> 33) % count }
        let users = ["alice", "bob", "e\u{301}", "\u{212A}", "#", "%23"].sorted { bytesPrecede($0, $1) }
        for user in users { _ = await service.connect(user, "acme") }
        _ = await service.connect("stranger", "acme.x")
        let client = await service.connect("zed", "acme")
        await client.join("lobby")
        for _ in 0..<300 {
            var bytes = Array(Base64.encode((0..<roll(300)).map { _ in UInt8(roll(256)) }, alphabet: .url, padding: false).utf8)
            if roll(2) == 0, let user = UserID(users[roll(users.count)]) { bytes = Array(OnlineCursor.encode(user).utf8) }
            for _ in 0..<roll(3) where !bytes.isEmpty { bytes[roll(bytes.count)] = UInt8(0x21 + roll(0x5E)) }
            let cursor = String(decoding: bytes, as: UTF8.self)
            var writer = JSONWriter()
            writer.beginObject()
            writer.member("action", "online")
            if roll(2) == 0 { writer.member("roomId", "lobby") }
            writer.member("next", cursor)
            writer.endObject()
            let reply = await client.send(String(decoding: writer.bytes, as: UTF8.self))
            #expect(reply.type == "online" || reply.code == "bad_request", "seed \(seed), \(cursor): \(reply)")
            let listed = reply.strings("users", of: "userId")
            #expect(Set(listed.map { Array($0.utf8) }).isSubset(of: (users + ["zed"]).map { Array($0.utf8) }), "seed \(seed), \(cursor): \(reply)")
            guard reply.type == "online", let after = Base64.decode(cursor, alphabet: .url, padding: false) else { continue }
            let position = String(decoding: after, as: UTF8.self)
            #expect(listed.allSatisfy { bytesPrecede(position, $0) }, "seed \(seed), \(cursor): \(reply)")
        }
    }

    /// A tenant is in a key as it is: one that could be read as two never gets that far.
    @Test(arguments: ["acme#x", "acme%23x", "#", "", "acme/x", "acme\u{212A}", "\u{E9}", String(repeating: "t", count: 129)])
    func `a token of a tenant that is no name is refused`(_ tenant: String) async throws {
        let service = try Service()
        let response = await service.connect(service.connectEvent(token: service.token("alice", tenant)))
        #expect(response.statusCode == 401)
        #expect(service.table.memory.allItems().isEmpty)
    }
}
