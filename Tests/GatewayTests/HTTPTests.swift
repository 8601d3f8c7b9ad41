import Foundation
import HTTPCodec
import TestSupport
import Testing

@testable import Gateway

@Suite struct HTTPTests {
    /// Sends a request on a connection of its own and reads to the end.
    static func exchange(_ port: UInt16, _ request: String) async throws -> String {
        let socket = try PlainSocket(port: port)
        try socket.send(request)
        return String(decoding: try socket.receiveAll(), as: UTF8.self)
    }

    @Test(arguments: [
        ("GET /healthz", "200", #"{"status":"ok"}"#), ("HEAD /healthz", "200", "Content-Length: 15"), ("GET /", "404", "Not Found"),
        ("GET /other", "404", "Not Found"), ("POST /", "405", "Allow: GET, HEAD"), ("DELETE /healthz", "405", "Allow: GET, HEAD"),
    ])
    func `the public listener answers little`(line: String, status: String, part: String) async throws {
        try await GatewayFixture.run { fixture in
            let answer = try await Self.exchange(
                fixture.gateway.port, "\(line) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
            #expect(answer.contains(part))
            if line.hasPrefix("HEAD") { #expect(answer.hasSuffix("\r\n\r\n")) }
        }
    }

    @Test func `the page is what the configuration gives`() async throws {
        try await GatewayFixture.run({
            $0.page = { $0.head.path == "/" ? HTTPResponse(status: 200, text: "<p>", contentType: "text/html") : nil }
        }) { fixture in
            let page = try await Self.exchange(fixture.gateway.port, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(page.hasSuffix("<p>"))
        }
    }

    @Test(arguments: [
        "GARBAGE\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "\u{16}\u{03}\u{01}", "GET /x y HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /?t=%zz HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n",
    ])
    func `a malformed request is a 400, and the handler is not asked`(request: String) async throws {
        try await GatewayFixture.run { fixture in
            let answer = try await Self.exchange(fixture.gateway.port, request)
            #expect(answer.hasPrefix("HTTP/1.1 400 "))
            #expect(fixture.handlers.events.isEmpty)
        }
    }

    @Test func `another WebSocket version is told which one to use`() async throws {
        try await GatewayFixture.run { fixture in
            let answer = try await Self.exchange(
                fixture.gateway.port,
                "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 8\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 426 "))
            #expect(answer.contains("Sec-WebSocket-Version: 13\r\n"))
        }
    }

    @Test func `pipelined requests are answered in order on one connection`() async throws {
        try await GatewayFixture.run { fixture in
            let socket = try PlainSocket(port: fixture.gateway.managementPort)
            try socket.send(
                "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n"
                    + "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            let text = String(decoding: try socket.receiveAll(), as: UTF8.self)
            let statuses = text.components(separatedBy: "HTTP/1.1 ").dropFirst().map { $0.prefix(3) }
            #expect(statuses == ["200", "404", "200"])
        }
    }

    @Test func `a body that waits for leave gets it`() async throws {
        try await GatewayFixture.run({
            $0.extraRoutes = { HTTPResponse(status: 200, body: $0.body) }
        }) { fixture in
            let socket = try PlainSocket(port: fixture.gateway.managementPort)
            try socket.send("POST /tenants/t HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
            #expect(try socket.receiveText(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            try socket.send("hello")
            #expect(String(decoding: try socket.receiveAll(), as: UTF8.self).hasSuffix("\r\n\r\nhello"))
        }
    }

    @Test(arguments: [("", ""), ("GET / HT", "HTTP/1.1 408 ")])
    func `a head that takes ten seconds is given up`(sent: String, answer: String) async throws {
        let clock = TurnedClock()
        try await GatewayFixture.run({ $0.clock = clock }) { fixture in
            let socket = try PlainSocket(port: fixture.gateway.port)
            try socket.send(sent)
            // The loop has taken the bytes once a later connection is served.
            _ = try await Self.exchange(fixture.gateway.port, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            clock.advance(by: .seconds(11))
            fixture.gateway.wake()
            let text = String(decoding: try socket.receive(), as: UTF8.self)
            #expect(answer.isEmpty ? text.isEmpty : text.hasPrefix(answer))
        }
    }

    @Test func `a port that is taken is named`() async throws {
        try await GatewayFixture.run { fixture in
            var configuration = GatewayConfiguration()
            configuration.port = fixture.gateway.port
            configuration.managementPort = 0
            #expect(throws: GatewayError.addressInUse(host: "127.0.0.1", port: fixture.gateway.port)) {
                _ = try Gateway(configuration)
            }
        }
    }
}
