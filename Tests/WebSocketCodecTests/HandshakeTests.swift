import HTTPCodec
import Testing
import WebSocketCodec

/// The SHA-1 of the RFC's example (section 1.3), and nothing else.
private func exampleSHA1(_ bytes: [UInt8]) -> [UInt8] {
    guard bytes == Array("dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8) else { return [0] }
    return [
        0xB3, 0x7A, 0x4F, 0x2C, 0xC0, 0x62, 0x4F, 0x16, 0x90, 0xF6, 0x46, 0x06, 0xCF, 0x38, 0x59, 0x45, 0xB2, 0xBE,
        0xC4, 0xEA,
    ]
}

private func request(_ change: (inout HTTPRequestHead) -> Void = { _ in }) -> HTTPRequestHead {
    var head = HTTPRequestHead(
        method: "GET", target: "/chat",
        fields: [
            "Host": "h", "Upgrade": "WebSocket", "Connection": "keep-alive, Upgrade",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13",
        ])
    change(&head)
    return head
}

@Suite struct HandshakeTests {
    @Test func `the example of the RFC is accepted`() throws {
        let handshake = try WebSocketHandshake.validate(request())
        #expect(handshake.subprotocols.isEmpty)
        let head = handshake.acceptance(sha1: exampleSHA1)
        #expect(
            String(decoding: head.serialized(), as: UTF8.self)
                == "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
    }

    @Test func `a body of no bytes is none`() throws {
        _ = try WebSocketHandshake.validate(request { $0.fields.add("Content-Length", "0") })
    }

    @Test func `subprotocols come in the client's order, over several fields`() throws {
        let head = request {
            $0.fields.add("Sec-WebSocket-Protocol", "muster.v1, bearer.a-b_c.d")
            $0.fields.add("sec-websocket-protocol", "other")
        }
        #expect(try WebSocketHandshake.validate(head).subprotocols == ["muster.v1", "bearer.a-b_c.d", "other"])
    }

    static let faults: [(@Sendable (inout HTTPRequestHead) -> Void, WebSocketHandshakeFault)] = [
        ({ $0.method = "POST" }, .notGET),
        ({ $0.minorVersion = 0 }, .notHTTP11),
        ({ $0.fields.remove("Upgrade") }, .noUpgrade),
        ({ $0.fields.set("Upgrade", "h2c") }, .noUpgrade),
        ({ $0.fields.set("Connection", "keep-alive") }, .noUpgrade),
        ({ $0.fields.add("Content-Length", "1") }, .hasBody),
        ({ $0.fields.add("Transfer-Encoding", "chunked") }, .hasBody),
        ({ $0.fields.remove("Sec-WebSocket-Version") }, .unsupportedVersion),
        ({ $0.fields.set("Sec-WebSocket-Version", "8") }, .unsupportedVersion),
        ({ $0.fields.add("Sec-WebSocket-Version", "13") }, .unsupportedVersion),
        ({ $0.fields.remove("Sec-WebSocket-Key") }, .invalidKey),
        ({ $0.fields.set("Sec-WebSocket-Key", "") }, .invalidKey),
        ({ $0.fields.set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ") }, .invalidKey),
        ({ $0.fields.set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZTEy") }, .invalidKey),
        ({ $0.fields.set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZ!==") }, .invalidKey),
        ({ $0.fields.set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZTEyMw==") }, .invalidKey),
        ({ $0.fields.add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==") }, .invalidKey),
        ({ $0.fields.add("Sec-WebSocket-Protocol", "a b") }, .invalidSubprotocols),
        ({ $0.fields.add("Sec-WebSocket-Protocol", "a, a") }, .invalidSubprotocols),
    ]

    @Test(arguments: faults) func `an improper handshake is refused`(
        _ change: @Sendable (inout HTTPRequestHead) -> Void, _ fault: WebSocketHandshakeFault
    ) {
        #expect(throws: fault) { try WebSocketHandshake.validate(request(change)) }
    }

    @Test func `a wrong version is told the right one and everything else is a bad request`() {
        let upgrade = WebSocketHandshakeFault.unsupportedVersion.response
        #expect(upgrade.status == 426)
        #expect(upgrade.fields.first("Sec-WebSocket-Version") == "13")
        for fault in [WebSocketHandshakeFault.notGET, .notHTTP11, .noUpgrade, .invalidKey, .invalidSubprotocols] {
            #expect(fault.response.status == 400)
        }
    }

    @Test func `a client's request passes the server's check, and its answer the client's`() throws {
        let upgrade = WebSocketUpgrade(
            host: "h", target: "/?token=x", subprotocols: ["muster.v1"], fields: ["Origin": "http://a"],
            nonce: Array("the sample nonce".utf8))
        let handshake = try WebSocketHandshake.validate(upgrade.request)
        #expect(handshake.key == "dGhlIHNhbXBsZSBub25jZQ==")
        let answer = handshake.acceptance(subprotocol: "muster.v1", sha1: exampleSHA1)
        #expect(try upgrade.check(answer, sha1: exampleSHA1) == "muster.v1")
        #expect(try upgrade.check(answer) == "muster.v1")
        #expect(throws: WebSocketHandshakeFault.invalidAcceptance) { try upgrade.check(answer, sha1: { _ in [1] }) }
        #expect(throws: WebSocketHandshakeFault.refused(status: 401)) {
            try upgrade.check(HTTPResponseHead(status: 401))
        }
        for (name, value) in [("Sec-WebSocket-Protocol", "b"), ("Sec-WebSocket-Extensions", "x"), ("Upgrade", "y")] {
            var broken = answer
            broken.fields.set(name, value)
            #expect(throws: WebSocketHandshakeFault.invalidAcceptance, "\(name)") { try upgrade.check(broken) }
        }
    }
}
