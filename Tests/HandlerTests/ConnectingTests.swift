import ChatModel
import ChatWire
import Simulation
import Testing

/// `$connect`: contract section 2.
@Suite struct ConnectingTests {
    let service: Service

    init() throws { service = try Service() }

    @Test(arguments: ["query", "Authorization", "authorization", "Sec-WebSocket-Protocol"])
    func `a token is taken from the query, the header or the subprotocol`(place: String) async {
        var event = service.connectEvent()
        let token = service.token("alice")
        switch place {
        case "query": event.query = [("token", token)]
        case "Sec-WebSocket-Protocol": event.headers = [(place, "muster.v1, bearer.\(token)")]
        default: event.headers = [(place, "Bearer \(token)")]
        }
        let response = await service.connect(event)
        #expect(response.statusCode == 200)
        let client = Client(service: service, id: event.context.connectionID)
        #expect(await client.join("lobby").strings("members", of: "userId") == ["alice"])
    }

    @Test func `the query goes before the header and the header before the subprotocol`() async {
        var event = service.connectEvent()
        event.query = [("token", service.token("from-query"))]
        event.headers = [("Authorization", "Bearer \(service.token("from-header"))")]
        event.headers += [("Sec-WebSocket-Protocol", "muster.v1, bearer.\(service.token("from-protocol"))")]
        #expect(await user(of: event) == "from-query")

        event.query = []
        event.context.connectionID = service.nextConnectionID()
        #expect(await user(of: event) == "from-header")

        event.headers.removeFirst()
        event.context.connectionID = service.nextConnectionID()
        #expect(await user(of: event) == "from-protocol")
    }

    private func user(of event: GatewayEvent) async -> String? {
        _ = await service.connect(event)
        return await Client(service: service, id: event.context.connectionID).join(service.nextConnectionID().replacing("=", with: ""))
            .strings("members", of: "userId").first
    }

    @Test func `of two query tokens the last counts`() async {
        var event = service.connectEvent()
        event.query = [("token", "nonsense"), ("token", service.token("alice"))]
        #expect(await service.connect(event).statusCode == 200)
        event.context.connectionID = service.nextConnectionID()
        event.query.reverse()
        #expect(await service.connect(event).statusCode == 401)
    }

    @Test func `a bad token in the query is not made good by one in the header`() async {
        var event = service.connectEvent(token: "nonsense")
        event.headers = [("Authorization", "Bearer \(service.token("alice"))")]
        #expect(await service.connect(event).statusCode == 401)
    }

    @Test func `the subprotocol is agreed to and the token in it is not repeated`() async {
        var event = service.connectEvent()
        event.headers = [("Sec-WebSocket-Protocol", "bearer.\(service.token("alice")), muster.v1")]
        let response = await service.connect(event)
        #expect(response == ProxyResponse(headers: ["Sec-WebSocket-Protocol": "muster.v1"]))

        let plain = await service.connect(service.connectEvent(token: service.token("alice")))
        #expect(plain == ProxyResponse())
    }

    @Test func `a token offered without muster.v1 does not count`() async {
        var event = service.connectEvent()
        event.headers = [("Sec-WebSocket-Protocol", "bearer.\(service.token("alice"))")]
        #expect(await service.connect(event).statusCode == 401)
    }

    @Test func `no token, a malformed one and an expired one are all 401 and leave nothing`() async {
        let expired = service.token("alice", expiresIn: 60)
        service.advance(60)
        for event in [
            service.connectEvent(), service.connectEvent(token: ""), service.connectEvent(token: "a.b.c"),
            service.connectEvent(token: expired), service.connectEvent(token: service.token("alice") + "x"),
        ] {
            #expect(await service.connect(event) == ProxyResponse(statusCode: 401), "the answer says no more")
        }
        #expect(service.table.memory.allItems().isEmpty)
    }

    @Test func `an expired token connects until the very millisecond before`() async {
        let token = service.token("alice", expiresIn: 60)
        service.advance(59, milliseconds: 599)
        #expect(await service.connect(service.connectEvent(token: token)).statusCode == 200)
        service.advance(0, milliseconds: 1)
        #expect(await service.connect(service.connectEvent(token: token)).statusCode == 401)
    }

    @Test(arguments: [(nil, 403), ("https://evil.example", 403), ("https://chat.example", 200)] as [(String?, Int)])
    func `the origin has to be allowed once origins are set`(origin: String?, status: Int) async throws {
        var settings = Settings()
        settings.allowedOrigins = AllowedOrigins(try ["https://other.example", "https://chat.example"].map { try #require(AllowedOrigins.Pattern($0)) })
        let service = try Service(settings: settings)
        var event = service.connectEvent(token: service.token("alice"))
        if let origin { event.headers = [("Origin", origin)] }
        #expect(await service.connect(event).statusCode == status)
    }

    @Test func `the log names the failed check and never the token`() async throws {
        let lines = Lines()
        let service = try Service(log: lines.log)
        let token = service.token("alice", expiresIn: 60)
        service.advance(61)
        _ = await service.connect(service.connectEvent(token: token))
        let good = service.token("alice")
        _ = await service.connect(service.connectEvent(token: good))
        let text = lines.text
        #expect(text.contains("expired"))
        for part in (token + "." + good).split(separator: ".") where part.count > 20 { #expect(!text.contains(part)) }
    }

    // An authorizer

    @Test func `what an authorizer says is used and the token is not looked at`() async throws {
        let service = try Service(hasKeys: false)
        var event = service.connectEvent(token: "nonsense")
        event.context.authorizer = ["userId": "alice", "tenantId": "acme", "rooms": "lobby team-*", "roles": "admin"]
        #expect(await service.connect(event).statusCode == 200)
        let client = Client(service: service, id: event.context.connectionID)
        await client.join("lobby")
        await client.join("team-7")
        #expect(await client.send(#"{"action":"joinRoom","roomId":"other"}"#).code == "forbidden")
        #expect(await client.send(#"{"action":"sendMessage","everyone":true,"body":"x"}"#).type == "ack")
    }

    @Test func `without a key and an authorizer nobody gets in`() async throws {
        let service = try Service(hasKeys: false)
        #expect(await service.connect(service.connectEvent(token: service.token("alice"))).statusCode == 401)
    }

    @Test func `the stored expiry decides and not the authorizer's frozen copy`() async {
        var event = service.connectEvent()
        let expiry = service.clock.now().seconds + 300
        let authorizer = ["userId": "alice", "tenantId": "acme", "exp": "\(expiry)"]
        event.context.authorizer = authorizer
        #expect(await service.connect(event).statusCode == 200)
        let client = Client(service: service, id: event.context.connectionID)
        let token = service.token("alice", expiresIn: 10_000)
        #expect(await client.send(#"{"action":"refreshToken","token":"\#(token)"}"#).type == "refreshed")
        service.advance(301)
        let late = await service.outcome(client.id, #"{"action":"heartbeat"}"#, authorizer: authorizer)
        #expect(Frame(late.response.body ?? []).type == "heartbeat")
    }

    @Test(arguments: ["1", "1800000000", "9223372036854775807", "253402300800", "-1", "soon"])
    func `an authorizer's expiry that is over or beyond the calendar is refused`(expiry: String) async {
        var event = service.connectEvent()
        event.context.authorizer = ["userId": "alice", "tenantId": "acme", "exp": expiry]
        #expect(await service.connect(event).statusCode == 401)
        #expect(service.table.memory.allItems().isEmpty)
    }

    // The cap

    @Test func `a user has so many connections and no more`() async throws {
        var settings = Settings()
        settings.connectionsPerUser = 3
        let service = try Service(settings: settings)
        let clients = [await service.connect("alice"), await service.connect("alice"), await service.connect("alice")]
        #expect(await service.connect(service.connectEvent(token: service.token("alice"))).statusCode == 429)
        _ = await service.connect("bob")
        _ = await service.connect("alice", "globex")

        await clients[1].disconnect()
        _ = await service.connect("alice")
        #expect(await service.connect(service.connectEvent(token: service.token("alice"))).statusCode == 429)
        #expect(Audit(service).faults == [])
    }

    @Test(arguments: Layout.all) func `connections that died unnoticed make room, with their leaves`(layout: Layout) async throws {
        var settings = Settings()
        settings.connectionsPerUser = 2
        let service = try Service(layout, settings: settings)
        let watcher = await service.connect("watcher")
        await watcher.join("lobby")
        let old = [await service.connect("alice"), await service.connect("alice")]
        await old[0].join("lobby")
        service.advance(400)
        await watcher.heartbeat()
        await old[1].heartbeat()
        service.advance(201)
        _ = await service.connect("alice")
        #expect(watcher.presence.last == "leave alice expired")
        #expect(old[0].close == .goingAway)
        #expect(await old[1].heartbeat().type == "heartbeat")
        #expect(Audit(service).faults == [])
    }

    @Test func `an engine that fails is 500`() async throws {
        service.table.fail(ProbedTable.Fault(write: 1, moment: .before, isFatal: false))
        #expect(await service.connect(service.connectEvent(token: service.token("alice"))) == ProxyResponse(statusCode: 500))
        #expect(service.table.memory.allItems().isEmpty)
    }

    @Test func `a connect that is delivered twice is one connection`() async {
        let event = service.connectEvent(token: service.token("alice"))
        #expect(await service.connect(event).statusCode == 200)
        #expect(await service.connect(event).statusCode == 200)
        #expect(Audit(service).faults == [])
    }
}
