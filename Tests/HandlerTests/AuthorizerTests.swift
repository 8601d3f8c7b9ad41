import ChatModel
import ChatStore
import ChatWire
import JSONCoding
import Logs
import Simulation
import Testing
import Tokens

@testable import ChatHandlers

/// The authorizer in front of `$connect`: contract section 2.
@Suite struct AuthorizerTests {
    static let method = "arn:aws:execute-api:eu-west-1:123456789012:abc/prod/$connect"
    let service: Service
    private let lines = Lines()

    init() throws { service = try Service() }

    private func authorizer(_ settings: Settings = Settings(), hasKeys: Bool = true) throws -> Authorizer {
        let verifier = hasKeys ? TokenVerifier(keys: KeySet([try TokenKey(secret: Service.secret)])) : nil
        return Authorizer(verifier: verifier, settings: settings, clock: service.clock, log: lines.log)
    }

    private func event(_ handshake: GatewayEvent) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("type", "REQUEST")
        writer.member("methodArn", Self.method)
        for member in (try? JSONParser.parse(handshake.encoded()))?.object?.members ?? [] { writer.member(member.name, member.value) }
        writer.endObject()
        return writer.bytes
    }

    /// The answer's effect, for this method and action, and the context with its types.
    private func read(_ answer: [UInt8]) -> (effect: String?, principal: String, context: [String: String]) {
        let frame = Frame(answer)
        let statement = frame["policyDocument"]?.object?["Statement"]?.array?.first?.object
        #expect(frame["policyDocument"]?.object?["Version"]?.string == "2012-10-17")
        #expect(statement?["Action"]?.string == "execute-api:Invoke" && statement?["Resource"]?.string == Self.method)
        var context: [String: String] = [:]
        for member in frame["context"]?.object?.members ?? [] { context[member.name] = member.value.string }
        #expect(context.count == frame["context"]?.object?.members.count ?? 0, "the context holds text and nothing else")
        return (statement?["Effect"]?.string, frame.string("principalId") ?? "", context)
    }

    @Test(arguments: ["query", "Authorization", "Sec-WebSocket-Protocol"])
    func `a good token is allowed, wherever a client puts it`(place: String) async throws {
        var handshake = service.connectEvent()
        let token = service.token("alice", rooms: ["lobby", "team-*"], roles: ["admin"], expiresIn: 60)
        switch place {
        case "query": handshake.query = [("token", token)]
        case "Authorization": handshake.headers = [(place, "Bearer \(token)")]
        default: handshake.headers = [(place, "muster.v1, bearer.\(token)")]
        }
        let answer = read(try await authorizer().handle(event(handshake)))
        #expect(answer.effect == "Allow" && answer.principal == "acme/alice")
        #expect(answer.context == [
            "userId": "alice", "tenantId": "acme", "rooms": "lobby team-*", "roles": "admin",
            "exp": "\((service.clock.now() + 60).seconds)", "iat": "\(service.clock.now().seconds)",
        ])
    }

    @Test func `no token and a bad one fail with the word that makes a 401`() async throws {
        let expired = service.token("alice", expiresIn: 60)
        service.advance(60)
        for handshake in [
            service.connectEvent(), service.connectEvent(token: ""), service.connectEvent(token: "a.b.c"),
            service.connectEvent(token: expired), service.connectEvent(token: service.token("alice") + "x"),
        ] {
            await #expect(throws: Unauthorized()) { try await authorizer().handle(event(handshake)) }
        }
        await #expect(throws: Unauthorized()) {
            try await authorizer(hasKeys: false).handle(event(service.connectEvent(token: service.token("alice"))))
        }
        // The Runtime API is told the error's description, and API Gateway takes this word and no other.
        #expect(String(describing: Unauthorized()) == "Unauthorized")
        #expect(lines.text.contains("expired") && lines.text.contains("no token") && lines.text.contains("no key"))
        for part in expired.split(separator: ".") where part.count > 20 { #expect(!lines.text.contains(part)) }
    }

    @Test(arguments: [(nil, "Deny"), ("https://evil.example", "Deny"), ("https://chat.example", "Deny"), ("https://a.chat.example", "Allow")] as [(String?, String)])
    func `another page's origin is denied, which makes a 403`(origin: String?, effect: String) async throws {
        var settings = Settings()
        settings.allowedOrigins = AllowedOrigins([try #require(AllowedOrigins.Pattern("https://*.chat.example"))])
        var handshake = service.connectEvent(token: service.token("alice"))
        if let origin { handshake.headers = [("Origin", origin)] }
        let answer = read(try await authorizer(settings).handle(event(handshake)))
        #expect(answer.effect == effect)
        #expect(answer.context.isEmpty == (effect == "Deny"))
    }

    @Test(arguments: ["{}", "x", #"{"type":"TOKEN","methodArn":"arn","authorizationToken":"x"}"#])
    func `what is no authorizer's event is an error of its own`(payload: String) async throws {
        await #expect(throws: EventError.self) { try await authorizer().handle(Array(payload.utf8)) }
    }

    @Test func `what it says lets the connection in, with the same rights and no longer`() async throws {
        let handshake = service.connectEvent(token: service.token("alice", rooms: [], roles: ["not admin"], expiresIn: 100))
        let context = read(try await authorizer().handle(event(handshake))).context
        var connect = service.connectEvent()
        connect.context.authorizer = context
        #expect(await service.connect(connect).statusCode == 200)
        let client = Client(service: service, id: connect.context.connectionID)
        #expect(await client.send(#"{"action":"joinRoom","roomId":"lobby"}"#).code == "forbidden")
        #expect(await client.send(#"{"action":"sendMessage","everyone":true,"body":"x"}"#).code == "forbidden")
        service.advance(100)
        #expect(await client.heartbeat().code == "token_expired")
    }

    // The way there and back

    static let users = [
        "alice", "a b", "é", "e\u{301}", "\"quoted\"", #"back\slash"#, "x/y", "a=b;c,d", "\u{301}", "日本語", "👩‍👩‍👧", "a\u{2028}b", " ",
        String(repeating: "\u{FFFF}", count: 85), "{\"userId\":\"mallory\"}",
    ]
    static let rooms: [([String]?, [String]?)] = [
        (nil, nil), ([], []), (["lobby"], ["lobby"]), (["*"], ["*"]), (["team-*", "a@b:c._-"], ["team-*", "a@b:c._-"]),
        // What no room can be called allows none, and above all not its words.
        (["lobby den"], []), (["a", "b c", "d"], ["a", "d"]), ([" "], []), ([""], []), (["a**"], []), (["a*b"], []), (["é"], []),
        (["lobby\u{301} den"], []), (["!"], []), (["lobby\n"], []), ([String(repeating: "a", count: 128) + "*"], [String(repeating: "a", count: 128) + "*"]),
        ([String(repeating: "a", count: 129)], []),
    ]
    static let roles: [([String], [String])] = [
        ([], []), (["admin"], ["admin"]), (["admin", "x"], ["admin", "x"]), (["not admin"], []), (["", "admin"], ["admin"]),
        (["x", "\u{301}y"], ["x", "\u{301}y"]), ([" admin"], []), (["admin "], []),
    ]

    @Test(arguments: users) func `whoever it is, the context says so and nothing else`(user: String) async throws {
        for (rooms, readRooms) in Self.rooms {
            for (roles, readRoles) in Self.roles {
                let token = service.token(user, rooms: rooms, roles: roles, expiresIn: 3600)
                let answer = read(try await authorizer().handle(event(service.connectEvent(token: token))))
                #expect(answer.effect == "Allow")
                #expect((1...897).contains(answer.principal.utf8.count))
                #expect(answer.principal.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") })
                #expect(answer.context.values.allSatisfy { !$0.isEmpty }, "an empty text may be lost on its way")
                // As API Gateway hands it on, in the JSON of an event.
                var connect = service.connectEvent()
                connect.context.authorizer = answer.context
                let received = try GatewayEvent(decoding: connect.encoded()).context.authorizer
                let identity = try #require(Identity(authorizer: received, service.clock.now()))
                #expect(identity.user == User(TenantID("acme")!, UserID(user)!))
                #expect(identity.expiresAt.seconds == service.clock.now().seconds + 3600)
                #expect(identity.rooms.map { $0.map { Array($0.utf8) } } == readRooms.map { $0.map { Array($0.utf8) } }, "\(rooms ?? ["nil"])")
                #expect(identity.roles.map { Array($0.utf8) } == readRoles.map { Array($0.utf8) }, "\(roles)")
                // Once more changes nothing.
                #expect(Identity(authorizer: identity.authorizer, service.clock.now()) == identity)
            }
        }
    }
}
