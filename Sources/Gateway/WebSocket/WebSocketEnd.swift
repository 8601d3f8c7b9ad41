import WebSocketCodec

/// How a session ended: what the close frame said, or what stands for a missing one (RFC 6455 section 7.1.5).
public struct WebSocketEnd: Equatable, Sendable {
    enum Side: Sendable {
        case server
        case peer
    }

    public let code: WebSocketCloseCode
    public let reason: String
    /// Who began it. What the peer sent before its own end is still handled.
    let side: Side

    init(_ code: WebSocketCloseCode, _ reason: String, by side: Side = .server) {
        self.code = code
        self.reason = reason
        self.side = side
    }

    /// The peer broke the protocol or a limit; what it sent before that counts.
    init(_ fault: WebSocketFault) {
        self.init(fault.closeCode, fault.reason, by: .peer)
    }

    /// The peer's close frame.
    init(peerCode: UInt16?, reason: String) {
        guard let peerCode else {
            self.init(WebSocketCloseCode(rawValue: 1005), "Client-side close frame status not set", by: .peer)
            return
        }
        self.init(WebSocketCloseCode(rawValue: peerCode), reason, by: .peer)
    }

    /// TCP ended without a close frame.
    static let broken = WebSocketEnd(WebSocketCloseCode(rawValue: 1006), "Connection Closed Abnormally", by: .peer)
    /// Idle for too long, too old, or the server stops: reconnect.
    static let goingAway = WebSocketEnd(.goingAway, "Going away")
    /// A message was begun and not finished in time: reconnect. What came before it is still handled.
    static let tooSlow = WebSocketEnd(.goingAway, "Message not finished in time", by: .peer)
    /// The peer reads too slowly for what is sent to it: reconnect and resume.
    static let slowConsumer = WebSocketEnd(.tryAgainLater, "Slow consumer")
    /// Text frames only.
    static let binaryRefused = WebSocketEnd(.unsupportedData, "Binary frames are not supported", by: .peer)
}
