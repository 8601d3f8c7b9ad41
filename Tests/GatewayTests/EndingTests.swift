import ChatModel
import ChatWire
import TestSupport
import Testing
import WebSocketCodec

@testable import Gateway

@Suite struct EndingTests {
    struct FaultCase: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let bytes: [UInt8]
        let code: UInt16

        static let all = [
            FaultCase(testDescription: "binary", bytes: FrameEncoder.frame(.binary, [1], mask: .random()), code: 1003),
            FaultCase(testDescription: "unmasked", bytes: FrameEncoder.frame(.text, [1]), code: 1002),
            FaultCase(testDescription: "reserved bits", bytes: [0xF1, 0x80, 0, 0, 0, 0], code: 1002),
            FaultCase(testDescription: "not UTF-8", bytes: FrameEncoder.frame(.text, [0xFF], mask: .random()), code: 1007),
            // Only the header: nothing of the payload is needed to refuse it.
            FaultCase(testDescription: "frame too large", bytes: [0x81, 0xFE, 0x80, 0x01], code: 1009),
            FaultCase(testDescription: "message too large", bytes: [0x81, 0xFF, 0, 0, 0, 0, 0, 2, 0, 1], code: 1009),
        ]
    }

    @Test(arguments: FaultCase.all)
    func `a fault gets its close frame and ends the connection`(fault: FaultCase) async throws {
        try await GatewayFixture.run { fixture in
            let client = try await fixture.connect(answersAutomatically: false)
            // More behind it, which nobody reads, must not reset the connection under the close frame.
            try client.sendRaw(fault.bytes + [UInt8](repeating: 0, count: 200_000))
            guard case .close(let code, _) = try await client.receive() else {
                Issue.record("no close frame")
                return
            }
            #expect(code == fault.code)
            client.disconnect()
            #expect(try await fixture.disconnect().context.disconnectStatusCode == Int(fault.code))
        }
    }

    @Test func `a peer that never answers a close is cut off after five seconds`() async throws {
        let clock = TurnedClock()
        try await GatewayFixture.run({ $0.clock = clock }) { fixture in
            let client = try await fixture.connect(answersAutomatically: false)
            #expect(fixture.gateway.close(fixture.lastID, code: .normal))
            #expect(try await client.receive() == .close(code: 1000, reason: ""))
            clock.advance(by: .milliseconds(4900))
            fixture.gateway.wake()
            await #expect(throws: WebSocketTestClient.Failure.timedOut) {
                _ = try await client.receive(timeout: .milliseconds(50))
            }
            clock.advance(by: .milliseconds(200))
            fixture.gateway.wake()
            #expect(try await client.receive() == .eof)
        }
    }

    @Test func `a connection whose $connect is still running is closed as soon as it is let in`() async throws {
        let gate = Gate()
        let handlers = ScriptedHandlers { route, _ in
            if route == .connect { await gate.pass() }
            return HandlerOutcome(ProxyResponse())
        }
        try await GatewayFixture.run(handlers: handlers) { fixture in
            async let opened = fixture.connect()
            let id = try await eventually { handlers.events(.connect).first.flatMap { ConnectionID($0.context.connectionID) } }
            #expect(!fixture.gateway.close(id, code: .removedByOperator), "it is not connected")
            #expect(fixture.gateway.post([1], to: [id]) == [id])
            #expect(fixture.gateway.close(id, code: .removedByOperator, reason: "out", orOnceConnected: true))
            gate.open()
            let client = try await opened
            #expect(try await client.receive() == .close(code: 4403, reason: "out"))
            #expect(try await fixture.disconnect().context.disconnectStatusCode == 4403)
            #expect(!fixture.gateway.close(id, code: .removedByOperator, orOnceConnected: true), "and is forgotten")
        }
    }

    @Test func `one that is refused is forgotten`() async throws {
        let handlers = ScriptedHandlers { _, _ in HandlerOutcome(ProxyResponse(statusCode: 401)) }
        try await GatewayFixture.run(handlers: handlers) { fixture in
            await #expect(throws: (any Error).self) { _ = try await fixture.connect() }
            #expect(!fixture.gateway.close(fixture.lastID, code: .removedByOperator, orOnceConnected: true))
        }
    }

    @Test func `an idle connection is closed; data keeps it, pings do not`() async throws {
        let clock = TurnedClock()
        try await GatewayFixture.run({
            $0.clock = clock
            $0.idleTimeout = .seconds(600)
        }) { fixture in
            let client = try await fixture.connect()
            clock.advance(by: .seconds(400))
            try client.send(text: "{}")
            _ = try await eventually { fixture.handlers.events(.default).first }
            clock.advance(by: .seconds(400))
            fixture.gateway.wake()
            try client.ping([7])
            #expect(try await client.receive() == .pong([7]))
            clock.advance(by: .seconds(201))
            fixture.gateway.wake()
            #expect(try await client.receive() == .close(code: 1001, reason: "Going away"))
            #expect(try await fixture.disconnect().context.disconnectStatusCode == 1001)
        }
    }

    @Test func `a connection is closed at its greatest age, idle or not`() async throws {
        let clock = TurnedClock()
        try await GatewayFixture.run({
            $0.clock = clock
            $0.idleTimeout = .seconds(600)
            $0.maxAge = .seconds(1000)
        }) { fixture in
            let client = try await fixture.connect()
            clock.advance(by: .seconds(500))
            try client.send(text: "{}")
            _ = try await eventually { fixture.handlers.events(.default).first }
            clock.advance(by: .seconds(500))
            fixture.gateway.wake()
            #expect(try await client.receive() == .close(code: 1001, reason: "Going away"))
        }
    }

    @Test func `a slow consumer is closed with 1013 and delays no other`() async throws {
        try await GatewayFixture.run({ $0.sendQueueBytes = 200_000 }) { fixture in
            let slow = try await fixture.connect()
            let slowID = fixture.lastID
            let quick = try await fixture.connect()
            let quickID = fixture.lastID
            slow.pauseReading()
            let payload = [UInt8](repeating: UInt8(ascii: "x"), count: 50_000)
            let text = WebSocketTestClient.Event.text(String(decoding: payload, as: UTF8.self))
            var posts = 0
            // The kernel's own buffers take some megabytes first.
            while fixture.gateway.post(payload, to: [slowID, quickID]).isEmpty {
                posts += 1
                #expect(try await quick.receive() == text)
                try #require(posts < 2000, "the queue has no bound")
            }
            #expect(try await fixture.disconnect().context.disconnectStatusCode == 1013)
            slow.resumeReading()
            let end = try await slow.receive { if case .close = $0 { true } else { false } }
            #expect(end == .close(code: 1013, reason: "Slow consumer"))
            try quick.send(text: "{}")
            _ = try await eventually { fixture.handlers.events(.default).first }
        }
    }

    @Test func `stopping closes everyone, lets handlers finish and disconnects each once`() async throws {
        let gate = Gate()
        let handlers = ScriptedHandlers { route, _ in
            if route == .default { await gate.pass() }
            return HandlerOutcome(ProxyResponse())
        }
        var configuration = GatewayConfiguration()
        (configuration.port, configuration.managementPort, configuration.threads) = (0, 0, 2)
        let gateway = try Gateway(configuration)
        gateway.start(handlers)
        var clients: [WebSocketTestClient] = []
        for _ in 0..<10 { clients.append(try await .connect(port: gateway.port)) }
        try clients[0].send(text: "{}")
        _ = try await eventually { handlers.events(.default).first }
        async let stopped: Void = gateway.stop()
        for client in clients { #expect(try await client.receive() == .close(code: 1001, reason: "Going away")) }
        gate.open()
        await stopped
        #expect(handlers.events(.disconnect).count == 10)
        await #expect(throws: WebSocketTestClient.Failure.self) {
            _ = try await WebSocketTestClient.connect(port: gateway.port)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `stopping does not wait for a handler that never ends`() async throws {
        let gate = Gate()
        let handlers = ScriptedHandlers { _, event in
            if event.body != nil { await gate.pass() }
            return HandlerOutcome(ProxyResponse())
        }
        var configuration = GatewayConfiguration()
        (configuration.port, configuration.managementPort) = (0, 0)
        configuration.stopTimeout = .milliseconds(200)
        let gateway = try Gateway(configuration)
        gateway.start(handlers)
        let client = try await WebSocketTestClient.connect(port: gateway.port)
        try client.send(text: "{}")
        _ = try await eventually { handlers.events(.default).first }
        // The handler ends only after the gate is open: a stop that waited for it would never return.
        await gateway.stop()
        gate.open()
    }
}
