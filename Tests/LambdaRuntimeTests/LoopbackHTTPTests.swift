import HTTPCodec
import LoopbackHTTP
import Synchronization
import Testing

@Suite struct LoopbackHTTPTests {
    @Test func `requests share one connection and carry their fields and bodies`() throws {
        let server = LoopbackServer { request, _ in .response(HTTPResponse(status: 200, body: request.body)) }
        defer { server.stop() }
        let connection = LoopbackHTTPConnection(host: "127.0.0.1", port: server.port)
        let large = [UInt8](repeating: 7, count: 3 << 20)
        #expect(try connection.send(method: "POST", target: "/a?b", fields: ["X": "1"], body: large).body == large)
        #expect(try connection.send(target: "/").body == [])
        #expect(server.connections == 1)
        #expect(server.requests[0].head.target == "/a?b")
        #expect(server.requests[0].head.fields.first("x") == "1")
        #expect(server.requests[0].head.fields.first("Host") == server.endpoint)
    }

    @Test func `a name is looked up`() throws {
        let server = LoopbackServer { _, _ in .response(HTTPResponse(status: 204)) }
        defer { server.stop() }
        #expect(try LoopbackHTTPConnection(host: "localhost", port: server.port).send(target: "/").status == 204)
        #expect(throws: LoopbackHTTPError.unknownHost) {
            try LoopbackHTTPConnection(host: "no such host", port: 1).send(target: "/")
        }
    }

    @Test func `a kept connection that was closed meanwhile is replaced, for any method`() throws {
        let server = LoopbackServer { _, _ in .thenClose(HTTPResponse(status: 200, text: "x")) }
        defer { server.stop() }
        let connection = LoopbackHTTPConnection(host: "127.0.0.1", port: server.port)
        for count in 1...3 {
            #expect(try connection.send(method: "POST", target: "/").status == 200)
            server.waitUntilClosed(count)
        }
        #expect(server.requests.count == 3)
    }

    @Test func `only what may be repeated is sent again when a kept connection gives no answer`() throws {
        for (method, told, attempts) in [("GET", nil, 3), ("POST", nil, 2), ("POST", true, 3), ("GET", false, 2)] as [(String, Bool?, Int)] {
            let server = LoopbackServer { _, index in index == 1 ? .close : .response(HTTPResponse(status: 200)) }
            defer { server.stop() }
            let connection = LoopbackHTTPConnection(host: "127.0.0.1", port: server.port)
            _ = try connection.send(target: "/")
            let second = Result { try connection.send(method: method, target: "/", isRepeatable: told) }
            #expect((try? second.get().status) == (attempts == 3 ? 200 : nil), "\(method) \(told as Any)")
            #expect(server.requests.count == attempts, "\(method) \(told as Any)")
        }
    }

    @Test func `a new connection without an answer is not tried again`() {
        let server = LoopbackServer { _, _ in .close }
        defer { server.stop() }
        let connection = LoopbackHTTPConnection(host: "127.0.0.1", port: server.port)
        #expect(throws: LoopbackHTTPError.closed) { try connection.send(target: "/") }
        #expect(server.requests.count == 1)
    }

    @Test func `an answer cut short is no answer, and is not asked for again`() throws {
        let server = LoopbackServer { _, index in
            index == 0
                ? .response(HTTPResponse(status: 200)) : .bytes("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        }
        defer { server.stop() }
        let connection = LoopbackHTTPConnection(host: "127.0.0.1", port: server.port)
        _ = try connection.send(target: "/")
        #expect(throws: LoopbackHTTPError.closed) { try connection.send(target: "/") }
        #expect(server.requests.count == 2)
    }

    @Test func `an answer may end with the connection`() throws {
        let server = LoopbackServer { _, _ in .bytes("HTTP/1.1 200 OK\r\n\r\nabc") }
        defer { server.stop() }
        let connection = LoopbackHTTPConnection(host: "127.0.0.1", port: server.port)
        #expect(try connection.send(target: "/").body == Array("abc".utf8))
        #expect(try connection.send(target: "/").body == Array("abc".utf8))
        #expect(server.connections == 2)
    }

    @Test func `a broken answer is told apart from none`() {
        let server = LoopbackServer { _, _ in .bytes("220 smtp\r\n") }
        defer { server.stop() }
        let connection = LoopbackHTTPConnection(host: "127.0.0.1", port: server.port)
        #expect(throws: LoopbackHTTPError.invalidResponse(.malformedStatusLine)) { try connection.send(target: "/") }
    }

    @Test func `a deadline ends the wait`() {
        let server = LoopbackServer { _, _ in .silence }
        defer { server.stop() }
        let connection = LoopbackHTTPConnection(host: "127.0.0.1", port: server.port)
        let started = ContinuousClock.now
        #expect(throws: LoopbackHTTPError.timedOut) {
            try connection.send(target: "/", deadline: started + .milliseconds(20))
        }
        #expect(ContinuousClock.now - started >= .milliseconds(20))
    }

    @Test func `nobody listening is said at once`() {
        let server = LoopbackServer { _, _ in .close }
        let port = server.port
        server.stop()
        #expect(throws: LoopbackHTTPError.refused) {
            try LoopbackHTTPConnection(host: "127.0.0.1", port: port).send(target: "/")
        }
    }
}
