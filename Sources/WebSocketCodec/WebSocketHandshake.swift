import HTTPCodec

/// A client's opening handshake, checked (RFC 6455 section 4.2.1).
///
/// Extensions are never negotiated: `Sec-WebSocket-Extensions` of the client is ignored and none is sent.
public struct WebSocketHandshake: Sendable, Equatable {
    static let version = "13"

    /// `Sec-WebSocket-Key` as received.
    public let key: String
    /// The offered subprotocols, the client's favourite first.
    public let subprotocols: [String]

    /// Whether the request wants a WebSocket at all; if so, ``validate(_:)`` says whether it asks properly.
    public static func isRequested(by head: HTTPRequestHead) -> Bool {
        head.fields.contains("Upgrade", token: "websocket")
    }

    /// Checks the request; a thrown fault has the response to refuse it with.
    public static func validate(_ head: HTTPRequestHead) throws(WebSocketHandshakeFault) -> WebSocketHandshake {
        guard head.method == "GET" else { throw .notGET }
        guard head.minorVersion == 1 else { throw .notHTTP11 }
        guard isRequested(by: head), head.fields.contains("Connection", token: "upgrade") else { throw .noUpgrade }
        guard head.fields.first("Transfer-Encoding") == nil, head.fields.all("Content-Length").allSatisfy({ $0 == "0" }) else {
            throw .hasBody
        }
        // The version comes before the key: another version may have no key, and must be told which one to use.
        guard head.fields.all("Sec-WebSocket-Version") == [version] else { throw .unsupportedVersion }
        let keys = head.fields.all("Sec-WebSocket-Key")
        guard keys.count == 1, isKey(keys[0]) else { throw .invalidKey }
        return WebSocketHandshake(key: keys[0], subprotocols: try subprotocols(head.fields))
    }

    /// The head of the response that accepts the handshake.
    ///
    /// - Parameters:
    ///   - subprotocol: the chosen one, which must be among those offered.
    ///   - sha1: the SHA-1 digest of its argument.
    public func acceptance(
        subprotocol: String? = nil, fields: HTTPFields = [:], sha1: ([UInt8]) -> [UInt8]
    ) -> HTTPResponseHead {
        precondition(subprotocol.map(subprotocols.contains) ?? true, "a server chooses among the offered subprotocols")
        var head = HTTPResponseHead(
            status: 101,
            fields: [
                "Upgrade": "websocket", "Connection": "Upgrade",
                "Sec-WebSocket-Accept": Self.accept(key: key, sha1: sha1),
            ])
        if let subprotocol { head.fields.add("Sec-WebSocket-Protocol", subprotocol) }
        for field in fields { head.fields.add(field.name, field.value) }
        return head
    }

    /// The value of `Sec-WebSocket-Accept` for a key.
    ///
    /// - Parameter sha1: the SHA-1 digest of its argument.
    public static func accept(key: String, sha1: ([UInt8]) -> [UInt8]) -> String {
        Base64.encoded(sha1(Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)))
    }

    /// Whether the text is the base64 of 16 bytes.
    private static func isKey(_ text: String) -> Bool {
        text.utf8.count == 24 && text.hasSuffix("==") && text.utf8.prefix(22).allSatisfy(Base64.alphabet.contains)
    }

    private static func subprotocols(_ fields: HTTPFields) throws(WebSocketHandshakeFault) -> [String] {
        let offered = fields.tokens("Sec-WebSocket-Protocol")
        guard Set(offered).count == offered.count, offered.allSatisfy(HTTPFields.isToken) else {
            throw .invalidSubprotocols
        }
        return offered
    }
}
