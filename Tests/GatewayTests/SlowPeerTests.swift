import ChatWire
import TestSupport
import Testing
import WebSocketCodec

@testable import Gateway

@Suite struct SlowPeerTests {
    static let second: Int64 = 1_000_000_000

    /// Turns the clock once the loop has taken what was sent before.
    private func pass(_ time: Duration, _ clock: TurnedClock, _ fixture: GatewayFixture) async throws {
        _ = try await HTTPTests.exchange(fixture.gateway.port, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        clock.advance(by: time)
        fixture.gateway.wake()
    }

    private func expectOpen(_ client: WebSocketTestClient) async {
        await #expect(throws: WebSocketTestClient.Failure.timedOut) {
            _ = try await client.receive(timeout: .milliseconds(50))
        }
    }

    struct Beginning: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let bytes: [UInt8]

        static let all = [
            Beginning(testDescription: "one byte", bytes: [0x81]),
            Beginning(testDescription: "half a length", bytes: [0x81, 0xFE, 0]),
            Beginning(testDescription: "half a mask", bytes: [0x81, 0x81, 0, 0]),
            Beginning(testDescription: "a header", bytes: [0x81, 0x81, 0, 0, 0, 0]),
            Beginning(testDescription: "an empty fragment", bytes: [0x01, 0x80, 0, 0, 0, 0]),
            Beginning(testDescription: "half a ping", bytes: [0x89, 0xFD, 0, 0, 0, 0, 1]),
        ]
    }

    @Test(arguments: Beginning.all)
    func `what is begun and not ended within the time-out is closed with 1001`(beginning: Beginning) async throws {
        let clock = TurnedClock()
        try await GatewayFixture.run({ $0.clock = clock }) { fixture in
            let client = try await fixture.connect()
            try client.sendRaw(beginning.bytes)
            try await pass(.milliseconds(19_900), clock, fixture)
            await expectOpen(client)
            try await pass(.milliseconds(200), clock, fixture)
            #expect(try await client.receive() == .close(code: 1001, reason: "Message not finished in time"))
            #expect(try await fixture.disconnect().context.disconnectStatusCode == 1001)
        }
    }

    @Test func `each KB that has arrived earns a second`() async throws {
        let clock = TurnedClock()
        try await GatewayFixture.run({ $0.clock = clock }) { fixture in
            let client = try await fixture.connect()
            let frame = FrameEncoder.frame(.text, [UInt8](repeating: UInt8(ascii: " "), count: 8192), mask: .random())
            try client.sendRaw(Array(frame.prefix(8 + 4096)))
            try await pass(.milliseconds(23_900), clock, fixture)
            await expectOpen(client)
            try client.sendRaw(Array(frame.dropFirst(8 + 4096)))
            _ = try await eventually { fixture.handlers.events(.default).first }
            // The next one's time begins with it.
            try client.sendRaw(Array(frame.prefix(8 + 1024)))
            try await pass(.milliseconds(20_900), clock, fixture)
            await expectOpen(client)
            try await pass(.milliseconds(200), clock, fixture)
            #expect(try await client.receive() == .close(code: 1001, reason: "Message not finished in time"))
        }
    }

    @Test func `time in which the server does not read is not the peer's`() async throws {
        let clock = TurnedClock()
        let gate = Gate()
        let handlers = ScriptedHandlers { route, _ in
            if route == .default { await gate.pass() }
            return HandlerOutcome(ProxyResponse())
        }
        try await GatewayFixture.run({
            $0.clock = clock
            $0.waitingMessages = 1
        }, handlers: handlers) { fixture in
            let client = try await fixture.connect()
            let frame = FrameEncoder.frame(.text, Array("{}".utf8), mask: .random())
            try client.sendRaw(frame + frame + frame + frame.prefix(3))
            _ = try await eventually { handlers.events(.default).first }
            try await pass(.seconds(60), clock, fixture)
            await expectOpen(client)
            gate.open()
            _ = try await eventually { handlers.events(.default).count == 3 ? () : nil }
            try await pass(.milliseconds(19_900), clock, fixture)
            await expectOpen(client)
            try await pass(.milliseconds(200), clock, fixture)
            #expect(try await client.receive() == .close(code: 1001, reason: "Message not finished in time"))
        }
    }

    @Test func `reads that each end inside another frame are no slowness`() throws {
        var decoder = MessageDecoder(role: .server, limits: WebSocketLimits(maxFramePayload: 1024, maxMessage: 1024))
        var progress = MessageProgress()
        for opcode in [0x89, 0x81] as [UInt8] {
            let frame = [opcode, 0x81, 0, 0, 0, 0, 1] as [UInt8]
            for round in 0..<100 as Range<Int64> {
                let bytes = (round == 0 ? [] : Array(frame.dropFirst(3))) + frame.prefix(3)
                try decoder.decode(bytes.span.bytes) { _ in }
                let isNew = progress.note(decoder, at: round * Self.second)
                #expect(isNew)
                #expect(progress.deadline(decoder, .seconds(20)) == (round + 20) * Self.second)
            }
            try decoder.decode(Array(frame.dropFirst(3)).span.bytes) { _ in }
            let isNew = progress.note(decoder, at: 0)
            #expect(!isNew)
            #expect(progress.deadline(decoder, .seconds(20)) == nil)
        }
    }

    @Test func `pings between fragments give the message no more time`() throws {
        var decoder = MessageDecoder(role: .server, limits: WebSocketLimits(maxFramePayload: 1024, maxMessage: 1024))
        var progress = MessageProgress()
        for round in 0..<100 as Range<Int64> {
            let bytes: [UInt8] = round == 0 ? [0x01, 0x80, 0, 0, 0, 0] : [0x89, 0x80, 0, 0, 0, 0]
            try decoder.decode(bytes.span.bytes) { _ in }
            let isNew = progress.note(decoder, at: round * Self.second)
            #expect(isNew == (round == 0))
            #expect(progress.deadline(decoder, .seconds(20)) == 20 * Self.second)
        }
    }
}
