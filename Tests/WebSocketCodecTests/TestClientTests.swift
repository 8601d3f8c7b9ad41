import HTTPCodec
import TestSupport
import Testing
import WebSocketCodec

/// The client that other tests rely on.
@Suite struct TestClientTests {
    @Test func `messages come back, pings and close frames are answered, the end is an event`() async throws {
        let server = EchoServer()
        defer { server.stop() }
        let client = try await WebSocketTestClient.connect(
            url: "ws://127.0.0.1:\(server.port)/?token=x", subprotocols: ["muster.v1"])
        #expect(client.subprotocol == "muster.v1")
        try client.send(text: "é")
        #expect(try await client.receive() == .text("é"))
        let large = [UInt8](repeating: 9, count: 1 << 20)
        try client.send(binary: large)
        #expect(try await client.receive() == .binary(large))
        try client.send(text: "ping")
        #expect(try await client.receive() == .ping([1, 2]))
        #expect(try await client.receive() == .text("pong [1, 2]"))
        try client.ping([3])
        #expect(try await client.receive() == .pong([3]))
        try client.send(text: "bye")
        #expect(try await client.receive() == .close(code: 1001, reason: "Going away"))
        #expect(try await client.receive { $0 == .eof } == .eof)
        #expect(try await client.receive() == .eof)
        #expect(throws: WebSocketTestClient.Failure.closed) { try client.send(text: "late") }
    }

    @Test func `a refusal gives its status and body`() async throws {
        let server = EchoServer()
        defer { server.stop() }
        do {
            _ = try await WebSocketTestClient.connect(port: server.port, path: "/refuse")
            Issue.record("not refused")
        } catch {
            #expect(error.status == 403)
            guard case .refused(let response) = error else { return }
            #expect(response.body == Array("no\n".utf8))
        }
    }

    @Test func `time-outs end a wait and leave the client usable`() async throws {
        let server = EchoServer()
        defer { server.stop() }
        await #expect(throws: WebSocketTestClient.Failure.timedOut) {
            try await WebSocketTestClient.connect(port: server.port, path: "/hang", timeout: .milliseconds(10))
        }
        let client = try await WebSocketTestClient.connect(port: server.port)
        await #expect(throws: WebSocketTestClient.Failure.timedOut) {
            try await client.receive(timeout: .milliseconds(10))
        }
        client.pauseReading()
        try client.send(text: "a")
        await #expect(throws: WebSocketTestClient.Failure.timedOut) {
            try await client.receive(timeout: .milliseconds(10))
        }
        client.resumeReading()
        #expect(try await client.receive() == .text("a"))
    }

    @Test func `a server's fault is an event`() async throws {
        let server = EchoServer()
        defer { server.stop() }
        let client = try await WebSocketTestClient.connect(port: server.port)
        try client.send(text: "break")
        #expect(try await client.receive() == .malformed(.reservedOpcode))
        #expect(try await client.receive() == .eof)
    }

    @Test func `nobody listening is said`() async throws {
        let server = EchoServer()
        server.stop()
        await #expect(throws: WebSocketTestClient.Failure.self) {
            try await WebSocketTestClient.connect(port: server.port)
        }
    }

    @Test func `hundreds of clients work side by side`() async throws {
        let server = EchoServer()
        defer { server.stop() }
        try await withThrowingTaskGroup { group in
            for index in 0..<300 {
                group.addTask {
                    let client = try await WebSocketTestClient.connect(port: server.port)
                    for round in 0..<3 {
                        try client.send(text: "\(index) \(round)")
                        #expect(try await client.receive(timeout: .seconds(20)) == .text("\(index) \(round)"))
                    }
                    client.disconnect(abruptly: index.isMultiple(of: 2))
                }
            }
            try await group.waitForAll()
        }
    }
}
