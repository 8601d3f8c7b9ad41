import ChatModel
import ChatWire
import TestSupport
import Testing
import WebSocketCodec

@testable import Gateway

@Suite struct LifecycleTests {
    @Test func `a connect event carries what the client sent, decoded once`() async throws {
        try await GatewayFixture.run { fixture in
            let client = try await fixture.connect(path: "/any/path?token=a%2525b&token=last&x=%C3%A9")
            let event = fixture.handlers.events(.connect)[0]
            #expect(event.context.eventType == .connect)
            #expect(event.context.connectionID.utf8.count == 16)
            #expect(event.context.connectionID.hasSuffix("="))
            #expect(event.queryParameter("token") == "last")
            #expect(event.query.first?.value == "a%25b")
            #expect(event.queryParameter("x") == "é")
            #expect(event.header("sec-websocket-version") == "13")
            #expect(event.context.sourceIP == "127.0.0.1")
            #expect(event.context.domainName == "127.0.0.1:\(fixture.gateway.port)")
            #expect(event.context.stage == "local")
            #expect(event.context.apiID == "local")
            #expect(event.context.connectedAt != nil)
            #expect(event.context.requestID != nil)
            try client.close()
            _ = try await fixture.disconnect()
        }
    }

    @Test(arguments: [401, 403, 429, 500])
    func `a connect handler's status refuses the upgrade, and nothing is disconnected`(status: Int) async throws {
        let handlers = ScriptedHandlers { _, _ in HandlerOutcome(ProxyResponse(statusCode: status)) }
        try await GatewayFixture.run(handlers: handlers) { fixture in
            let failure = await #expect(throws: WebSocketTestClient.Failure.self) { try await fixture.connect() }
            #expect(failure?.status == status)
            #expect(fixture.gateway.connectionCount == 0)
            #expect(handlers.events.count == 1)
        }
    }

    @Test func `a connect handler that fails is a bad gateway`() async throws {
        struct Broken: Error {}
        let handlers = ScriptedHandlers { _, _ in throw Broken() }
        try await GatewayFixture.run(handlers: handlers) { fixture in
            let failure = await #expect(throws: WebSocketTestClient.Failure.self) { try await fixture.connect() }
            #expect(failure?.status == 502)
        }
    }

    @Test(arguments: [("muster.v1", "muster.v1"), ("other", nil)])
    func `the handler's subprotocol is answered only if it was offered`(named: String, chosen: String?) async throws {
        let handlers = ScriptedHandlers { route, _ in
            HandlerOutcome(ProxyResponse(headers: route == .connect ? ["sec-websocket-protocol": named] : [:]))
        }
        try await GatewayFixture.run(handlers: handlers) { fixture in
            let client = try await fixture.connect(subprotocols: ["muster.v1", "bearer.x"])
            #expect(client.subprotocol == chosen)
        }
    }

    @Test func `a post to a connection that is still connecting finds nobody`() async throws {
        let gate = Gate()
        let handlers = ScriptedHandlers { route, _ in
            if route == .connect { await gate.pass() }
            return HandlerOutcome(ProxyResponse())
        }
        try await GatewayFixture.run(handlers: handlers) { fixture in
            async let connecting = fixture.connect()
            let id = try await eventually { handlers.events(.connect).first.map { ConnectionID($0.context.connectionID)! } }
            #expect(fixture.gateway.post(Array("{}".utf8), to: [id]) == [id])
            gate.open()
            let client = try await connecting
            #expect(fixture.gateway.post(Array("{}".utf8), to: [id]).isEmpty)
            #expect(try await client.receive() == .text("{}"))
        }
    }

    @Test func `a client that leaves during connect is disconnected once connected`() async throws {
        let gate = Gate()
        let handlers = ScriptedHandlers { route, _ in
            if route == .connect { await gate.pass() }
            return HandlerOutcome(ProxyResponse())
        }
        try await GatewayFixture.run(handlers: handlers) { fixture in
            let socket = try PlainSocket(port: fixture.gateway.port)
            try socket.send(PlainSocket.handshake)
            _ = try await eventually { handlers.events(.connect).first }
            socket.close()
            gate.open()
            #expect(try await fixture.disconnect().context.disconnectStatusCode == 1006)
        }
    }

    @Test(arguments: [
        (WebSocketCloseCode.normal as WebSocketCloseCode?, "bye", 1000),
        (WebSocketCloseCode(rawValue: 4999), "", 4999), (nil, "", 1005),
    ])
    func `the peer's close is echoed and told to the disconnect handler`(
        code: WebSocketCloseCode?, reason: String, told: Int
    ) async throws {
        try await GatewayFixture.run { fixture in
            let client = try await fixture.connect()
            try client.close(code, reason: reason)
            #expect(try await client.receive() == .close(code: code?.rawValue, reason: ""))
            #expect(try await client.receive() == .eof)
            let event = try await fixture.disconnect()
            #expect(event.context.eventType == .disconnect)
            #expect(event.context.disconnectStatusCode == told)
            if code != nil { #expect(event.context.disconnectReason == reason) }
            #expect(fixture.gateway.connectionCount == 0)
        }
    }

    @Test(arguments: [false, true])
    func `a connection that breaks is disconnected with 1006`(abruptly: Bool) async throws {
        try await GatewayFixture.run { fixture in
            let client = try await fixture.connect()
            client.disconnect(abruptly: abruptly)
            #expect(try await fixture.disconnect().context.disconnectStatusCode == 1006)
        }
    }

    @Test func `disconnect comes once and after the frame in hand`() async throws {
        let gate = Gate()
        let handlers = ScriptedHandlers { route, _ in
            if route == .joinRoom { await gate.pass() }
            return HandlerOutcome(ProxyResponse())
        }
        try await GatewayFixture.run(handlers: handlers) { fixture in
            let client = try await fixture.connect()
            try client.send(text: #"{"action":"joinRoom"}"#)
            try client.send(text: #"{"action":"leaveRoom"}"#)
            try client.close()
            // The close is answered at once, the handlers take their time.
            #expect(try await client.receive() == .close(code: 1000, reason: ""))
            #expect(handlers.events(.disconnect).isEmpty)
            gate.open()
            _ = try await fixture.disconnect()
            #expect(handlers.events.map(\.context.routeKey) == ["$connect", "joinRoom", "leaveRoom", "$disconnect"])
        }
        #expect(handlers.events(.disconnect).count == 1)
    }

    @Test func `the gateway closes with the code it is told`() async throws {
        try await GatewayFixture.run { fixture in
            let client = try await fixture.connect()
            let id = fixture.lastID
            #expect(fixture.gateway.post(Array("first".utf8), to: [id]).isEmpty)
            #expect(fixture.gateway.close(id, code: .removedByOperator, reason: "Removed by an operator"))
            #expect(try await client.receive() == .text("first"))
            #expect(try await client.receive() == .close(code: 4403, reason: "Removed by an operator"))
            #expect(try await client.receive() == .eof)
            #expect(try await fixture.disconnect().context.disconnectStatusCode == 4403)
            #expect(!fixture.gateway.close(id, code: .normal))
        }
    }

    @Test(arguments: [true, false])
    func `nothing of a closed connection stays in memory`(orderly: Bool) async throws {
        try await GatewayFixture.run { fixture in
            let client = try await fixture.connect()
            try client.send(text: "{}")
            _ = try await eventually { fixture.handlers.events(.default).first }
            weak let connection = fixture.gateway.directory[fixture.lastID]
            #expect(connection != nil)
            if orderly { try client.close() } else { client.disconnect(abruptly: true) }
            try await eventually { connection == nil ? () : nil }
        }
    }
}
