import ChatModel
import ChatWire
import Synchronization
import TestSupport
import Testing
import WebSocketCodec

@testable import Gateway

/// Frames of one connection that need not wait for each other.
@Suite struct ConcurrencyTests {
    @Test func `frames of a concurrent route are under way together, and others wait for them`() async throws {
        let gate = Gate(), begun = Mutex<[String]>([])
        let handlers = ScriptedHandlers { route, event in
            guard let body = event.body else { return HandlerOutcome(ProxyResponse()) }
            begun.withLock { $0.append(body) }
            if route == .sendMessage { await gate.pass() }
            return .reply(body)
        }
        func frame(_ action: String, _ number: Int) -> String { #"{"action":"\#(action)","n":\#(number)}"# }
        try await GatewayFixture.run({ $0.concurrentRoutes = [.sendMessage] }, handlers: handlers) { fixture in
            let client = try await fixture.connect()
            let frames = [frame("joinRoom", 0), frame("sendMessage", 1), frame("sendMessage", 2), frame("leaveRoom", 3), frame("sendMessage", 4)]
            for text in frames { try client.send(text: text) }
            _ = try await eventually { begun.withLock { $0.count == 3 } ? true : nil }
            #expect(begun.withLock { $0 } == Array(frames[..<3]))
            gate.open()
            for text in frames { #expect(try await client.receive() == .text(text)) }
            #expect(begun.withLock { $0 } == frames)
        }
    }

    @Test func `replies leave in the order of the frames, whichever handler is done first`() async throws {
        let gates = (0..<4).map { _ in Gate() }
        let handlers = ScriptedHandlers { _, event in
            guard let body = event.body, let number = body.utf8.dropLast().last.map({ Int($0) - 48 }) else {
                return HandlerOutcome(ProxyResponse())
            }
            await gates[number].pass()
            return .reply("\(number)")
        }
        try await GatewayFixture.run({
            $0.concurrentRoutes = [.sendMessage]
            $0.rateLimit = RateLimit(perSecond: 1, burst: 4)
            $0.rateLimitedReply = { _ in Array("limited".utf8) }
        }, handlers: handlers) { fixture in
            let client = try await fixture.connect()
            for number in 0..<5 { try client.send(text: #"{"action":"sendMessage","n":\#(number % 4)}"#) }
            _ = try await eventually { handlers.events(.sendMessage).count == 4 ? true : nil }
            for gate in gates.reversed() { gate.open() }
            for text in ["0", "1", "2", "3", "limited"] { #expect(try await client.receive() == .text(text)) }
        }
    }

    @Test(arguments: [(5, 1 << 20, 5), (64, 100, 3)])
    func `no more are under way together than allowed, by number and by bytes`(
        messages: Int, bytes: Int, most: Int
    ) async throws {
        let running = Mutex((now: 0, most: 0))
        let handlers = ScriptedHandlers { route, event in
            guard route == .sendMessage else { return HandlerOutcome(ProxyResponse()) }
            running.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
            for _ in 0..<10 { await Task.yield() }
            running.withLock { $0.now -= 1 }
            return .reply("done")
        }
        try await GatewayFixture.run({
            $0.concurrentRoutes = [.sendMessage]
            $0.concurrentMessages = messages
            $0.waitingBytes = bytes
            $0.rateLimit.perSecond = 0
        }, handlers: handlers) { fixture in
            let client = try await fixture.connect()
            // 41 bytes each.
            for _ in 0..<100 { try client.send(text: #"{"action":"sendMessage","body":"0123456"}"#) }
            for _ in 0..<100 { #expect(try await client.receive() == .text("done")) }
            #expect(running.withLock { $0.most } == most)
        }
    }

    @Test(arguments: [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]])
    func `replies closed in any order are sent in theirs`(order: [Int]) {
        var replies = ReplyOrder(), sent: [UInt8] = []
        for _ in order { _ = replies.open() }
        for place in order { replies.close(place, place == 1 ? nil : [UInt8(place)]) { sent += $0 } }
        #expect(sent == [0, 2, 3])
        #expect(replies.count == 0)
    }
}
