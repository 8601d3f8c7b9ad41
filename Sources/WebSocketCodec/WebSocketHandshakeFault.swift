import HTTPCodec

/// Why a request is no opening handshake, or a response does not accept one.
public enum WebSocketHandshakeFault: Error, Equatable, Sendable {
    case notGET
    case notHTTP11
    case noUpgrade
    /// The bytes after the head would be a body to one reader and frames to another.
    case hasBody
    case invalidKey
    case unsupportedVersion
    case invalidSubprotocols
    /// The server answered with this status instead of 101.
    case refused(status: Int)
    /// The server's 101 does not belong to this request.
    case invalidAcceptance

    /// What a server answers with; 426 names the version it speaks (RFC 6455 section 4.2.2).
    public var response: HTTPResponse {
        guard self == .unsupportedVersion else { return HTTPResponse(status: 400, text: "Bad Request\n") }
        return HTTPResponse(
            status: 426, text: "Upgrade Required\n",
            fields: ["Upgrade": "websocket", "Sec-WebSocket-Version": WebSocketHandshake.version])
    }
}
