import HTTPCodec

/// The client's side of the opening handshake (RFC 6455 section 4.1).
public struct WebSocketUpgrade: Sendable {
    /// What to send.
    public let request: HTTPRequestHead
    private let key: String
    private let subprotocols: [String]

    /// - Parameters:
    ///   - host: the `Host` field, with the port unless it is the scheme's own.
    ///   - target: path and query, percent-encoded.
    ///   - nonce: 16 random bytes; fresh ones unless given.
    public init(
        host: String, target: String, subprotocols: [String] = [], fields: HTTPFields = [:], nonce: [UInt8]? = nil
    ) {
        let nonce = nonce ?? (0..<16).map { _ in .random(in: .min ... .max) }
        precondition(nonce.count == 16, "the nonce has 16 bytes")
        key = Base64.encoded(nonce)
        self.subprotocols = subprotocols
        var head = HTTPRequestHead(
            method: "GET", target: target,
            fields: [
                "Host": host, "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": key,
                "Sec-WebSocket-Version": WebSocketHandshake.version,
            ])
        if !subprotocols.isEmpty {
            head.fields.add("Sec-WebSocket-Protocol", subprotocols.joined(separator: ", "))
        }
        for field in fields { head.fields.add(field.name, field.value) }
        request = head
    }

    /// Checks the server's answer and gives the subprotocol it chose.
    ///
    /// - Parameter sha1: the SHA-1 digest of its argument; without it any acceptance value is believed.
    public func check(
        _ response: HTTPResponseHead, sha1: (([UInt8]) -> [UInt8])? = nil
    ) throws(WebSocketHandshakeFault) -> String? {
        guard response.status == 101 else { throw .refused(status: response.status) }
        guard response.fields.contains("Upgrade", token: "websocket"),
            response.fields.contains("Connection", token: "upgrade"),
            let accepted = response.fields.first("Sec-WebSocket-Accept"),
            response.fields.first("Sec-WebSocket-Extensions") == nil
        else { throw .invalidAcceptance }
        if let sha1, accepted != WebSocketHandshake.accept(key: key, sha1: sha1) { throw .invalidAcceptance }
        let chosen = response.fields.first("Sec-WebSocket-Protocol")
        if let chosen, !subprotocols.contains(chosen) { throw .invalidAcceptance }
        return chosen
    }
}
