import ChatHandlers
import ChatWire
import JSONCoding
import Logs
import Simulation
import Testing
import Tokens

/// What a client is told while there are no keys to judge its token by: nothing about the token.
@Suite struct MissingKeysTests {
    private let server = KeyServer()
    private let lines = Lines()
    private let service: Service
    private let ring: KeyRing

    init() throws {
        ring = KeyRing(secrets: [], source: server, log: lines.log)
        service = try Service(judge: ring, log: lines.log)
        server.fail(.unreadable("status 503"))
    }

    @Test func `connecting fails with 500 and not with 401, and the log says why`() async throws {
        let token = try KeyServer.token("alice")
        #expect(await service.connect(service.connectEvent(token: token)).statusCode == 500)
        #expect(lines.text.contains("connect failed") && lines.text.contains("no key set: status 503"))
        #expect(!lines.text.contains(token.suffix(20)))
        #expect(await service.connect(service.connectEvent(token: "a.b.c")).statusCode == 401)
        #expect(await service.connect(service.connectEvent()).statusCode == 401)

        server.publish("alice")
        service.advance(5)
        #expect(await service.connect(service.connectEvent(token: token)).statusCode == 200)
        #expect(await service.connect(service.connectEvent(token: try KeyServer.token("bob"))).statusCode == 401)
    }

    @Test func `the authorizer fails with another word than the one for 401`() async throws {
        let authorizer = Authorizer(verifier: ring, settings: service.settings, clock: service.clock, log: lines.log)
        func event(_ token: String) -> [UInt8] {
            var writer = JSONWriter()
            writer.beginObject()
            writer.member("type", "REQUEST")
            writer.member("methodArn", AuthorizerTests.method)
            let handshake = service.connectEvent(token: token).encoded()
            for member in (try? JSONParser.parse(handshake))?.object?.members ?? [] { writer.member(member.name, member.value) }
            writer.endObject()
            return writer.bytes
        }
        await #expect(throws: KeySetFailure.unreadable("status 503")) { try await authorizer.handle(event(KeyServer.token("alice"))) }
        await #expect(throws: Unauthorized()) { try await authorizer.handle(event("a.b.c")) }
        server.publish("alice")
        service.advance(5)
        #expect(Frame(try await authorizer.handle(event(KeyServer.token("alice")))).string("principalId") == "acme/alice")
        await #expect(throws: Unauthorized()) { try await authorizer.handle(event(KeyServer.token("bob"))) }
    }

    @Test func `a connection that gets no keys for its new token stays as it is`() async throws {
        let own = try Service(judge: KeyRing(secrets: [TokenKey(secret: Service.secret)], source: server, log: .silent), log: lines.log)
        let client = await own.connect("alice")
        let refresh = #"{"action":"refreshToken","token":"\#(try KeyServer.token("alice"))"}"#
        #expect(await client.send(refresh).code == "internal")
        #expect(lines.text.contains("frame failed") && lines.text.contains("no key set: status 503"))
        #expect(await client.heartbeat().type == "heartbeat")
        server.publish("alice")
        own.advance(5)
        #expect(await client.send(refresh).type == "refreshed")
    }
}
