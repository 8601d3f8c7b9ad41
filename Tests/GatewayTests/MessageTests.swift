import ChatModel
import ChatWire
import Foundation
import JSONCoding
import Synchronization
import TestSupport
import Testing
import WebSocketCodec

@testable import Gateway

@Suite struct MessageTests {
    @Test(arguments: [
        (#"{"action":"sendMessage"}"#, "sendMessage"), (#"{"action":"joinRoom","x":1}"#, "joinRoom"),
        (#"{"action":"$connect"}"#, "$default"), (#"{"action":"$disconnect"}"#, "$default"),
        (#"{"action":"nothing"}"#, "$default"), (#"{"action":7}"#, "$default"), ("no JSON", "$default"),
        (#"["action"]"#, "$default"), (String(repeating: "[", count: 5000), "$default"),
    ])
    func `the action selects the route`(frame: String, route: String) async throws {
        try await GatewayFixture.run { fixture in
            let client = try await fixture.connect()
            try client.send(text: frame)
            let event = try await eventually { fixture.handlers.events.first { $0.context.eventType == .message } }
            #expect(event.context.routeKey == route)
            #expect(event.body == frame)
            #expect(event.context.connectionID == fixture.lastID.text)
            #expect(event.context.messageID != nil)
        }
    }

    @Test func `a reply leaves before the work after it, and the next frame waits for both`() async throws {
        let gate = Gate()
        let handlers = ScriptedHandlers { route, event in
            guard let body = event.body else { return HandlerOutcome(ProxyResponse()) }
            return HandlerOutcome(ProxyResponse(body: Array("re \(body)".utf8))) {
                if body == "1" { await gate.pass() }
            }
        }
        try await GatewayFixture.run(handlers: handlers) { fixture in
            let client = try await fixture.connect()
            for frame in ["1", "2", "3"] { try client.send(text: frame) }
            #expect(try await client.receive() == .text("re 1"))
            #expect(handlers.events(.default).map(\.body) == ["1"])
            gate.open()
            #expect(try await client.receive() == .text("re 2"))
            #expect(try await client.receive() == .text("re 3"))
        }
    }

    @Test func `hundreds of frames sent at once are handled in order`() async throws {
        let handlers = ScriptedHandlers { _, event in
            await Task.yield()
            return event.body.map { .reply($0) } ?? HandlerOutcome(ProxyResponse())
        }
        try await GatewayFixture.run({ $0.rateLimit.perSecond = 0 }, handlers: handlers) { fixture in
            let client = try await fixture.connect()
            let filler = String(repeating: "x", count: 1000)
            for number in 0..<700 { try client.send(text: "\(number) \(filler)") }
            for number in 0..<700 { #expect(try await client.receive() == .text("\(number) \(filler)")) }
        }
    }

    @Test func `one connection's slow handler keeps no other waiting`() async throws {
        let gate = Gate()
        let handlers = ScriptedHandlers { _, event in
            if event.body == "slow" { await gate.pass() }
            return event.body.map { .reply($0) } ?? HandlerOutcome(ProxyResponse())
        }
        try await GatewayFixture.run(handlers: handlers) { fixture in
            let slow = try await fixture.connect()
            let quick = try await fixture.connect()
            try slow.send(text: "slow")
            try quick.send(text: "quick")
            #expect(try await quick.receive() == .text("quick"))
            gate.open()
            #expect(try await slow.receive() == .text("slow"))
        }
    }

    @Test(arguments: [true, false])
    func `a handler that fails is told as API Gateway tells it`(throwing: Bool) async throws {
        struct Broken: Error {}
        let handlers = ScriptedHandlers { route, _ in
            if route == .connect || route == .disconnect { return HandlerOutcome(ProxyResponse()) }
            if throwing { throw Broken() }
            return HandlerOutcome(ProxyResponse(statusCode: 500, body: Array("secret".utf8)))
        }
        try await GatewayFixture.run(handlers: handlers) { fixture in
            let client = try await fixture.connect()
            try client.send(text: "{}")
            guard case .text(let text) = try await client.receive() else {
                Issue.record("no text")
                return
            }
            let frame = try JSONParser.parse(text).object
            #expect(frame?["message"]?.string == "Internal server error")
            #expect(frame?["connectionId"]?.string == fixture.lastID.text)
            #expect(frame?["requestId"]?.string == handlers.events(.default)[0].context.requestID)
        }
    }

    @Test func `a message over the rate is answered and not handled, and the rate comes back`() async throws {
        let clock = TurnedClock()
        let handlers = ScriptedHandlers { _, event in event.body.map { .reply($0) } ?? HandlerOutcome(ProxyResponse()) }
        try await GatewayFixture.run({
            $0.clock = clock
            $0.rateLimit = RateLimit(perSecond: 10, burst: 3)
            $0.rateLimitedReply = { Array("limited \($0)".utf8) }
        }, handlers: handlers) { fixture in
            let client = try await fixture.connect()
            for number in 1...5 { try client.send(text: "\(number)") }
            for text in ["1", "2", "3", "limited 4", "limited 5"] { #expect(try await client.receive() == .text(text)) }
            clock.advance(by: .milliseconds(100))
            for number in 6...7 { try client.send(text: "\(number)") }
            for text in ["6", "limited 7"] { #expect(try await client.receive() == .text(text)) }
            #expect(handlers.events(.default).map(\.body) == ["1", "2", "3", "6"])
        }
    }

    @Test func `a post from another thread is not overtaken by a later one from the loop`() async throws {
        let gateway = Mutex<Gateway?>(nil)
        let handlers = ScriptedHandlers { route, event in
            guard route == .default, let gateway = gateway.withLock({ $0 }) else { return HandlerOutcome(ProxyResponse()) }
            let id = ConnectionID(event.context.connectionID)!
            // The handler runs on the loop's thread, which is kept busy until the other thread has posted.
            blockingOnAnotherThread { _ = gateway.post(Array("first".utf8), to: [id]) }
            _ = gateway.post(Array("second".utf8), to: [id])
            return HandlerOutcome(ProxyResponse())
        }
        try await GatewayFixture.run(handlers: handlers) { fixture in
            gateway.withLock { $0 = fixture.gateway }
            let client = try await fixture.connect()
            try client.send(text: "go")
            #expect(try await client.receive() == .text("first"))
            #expect(try await client.receive() == .text("second"))
        }
    }

    @Test func `a post reaches five hundred connections, each once`() async throws {
        try await GatewayFixture.run({ $0.threads = 2 }) { fixture in
            var clients: [WebSocketTestClient] = []
            for _ in 0..<500 { clients.append(try await fixture.connect()) }
            let ids = fixture.handlers.events(.connect).map { ConnectionID($0.context.connectionID)! }
            #expect(fixture.gateway.connectionCount == 500)
            let stranger = ConnectionID("AAAAAAAAAAAAAAA=")!
            for number in 1...3 {
                #expect(fixture.gateway.post(Array("post \(number)".utf8), to: ids + [stranger]) == [stranger])
            }
            for client in clients {
                for number in 1...3 { #expect(try await client.receive() == .text("post \(number)")) }
            }
        }
    }
}

/// Runs `body` on a thread of its own and blocks the caller until it is done.
private func blockingOnAnotherThread(_ body: @escaping @Sendable () -> Void) {
    let done = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
        body()
        done.signal()
    }
    done.wait()
}
