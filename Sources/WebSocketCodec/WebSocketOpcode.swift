/// What a frame is (RFC 6455 section 5.2).
public enum WebSocketOpcode: UInt8, Sendable {
    case continuation = 0x0
    case text = 0x1
    case binary = 0x2
    case close = 0x8
    case ping = 0x9
    case pong = 0xA

    public var isControl: Bool { rawValue & 0x8 != 0 }

    /// The longest payload of a control frame, in bytes.
    public static let maxControlPayload = 125
}

/// Which end of the connection this is: clients mask what they send, servers do not.
public enum WebSocketRole: Sendable {
    case server
    case client
}

/// How much a peer may send at once.
public struct WebSocketLimits: Sendable, Equatable {
    /// Bytes of one data frame's payload.
    public var maxFramePayload: Int
    /// Bytes of one message, over all its frames.
    public var maxMessage: Int

    public init(maxFramePayload: Int, maxMessage: Int) {
        precondition(0 <= maxFramePayload && maxFramePayload <= maxMessage, "a frame must fit a message")
        self.maxFramePayload = maxFramePayload
        self.maxMessage = maxMessage
    }
}

/// What a decoder delivers: whole messages and control frames, in the order they ended.
public enum WebSocketEvent: Sendable, Equatable {
    /// Valid UTF-8.
    case text([UInt8])
    case binary([UInt8])
    /// To be answered with a pong of the same payload.
    case ping([UInt8])
    case pong([UInt8])
    /// The peer's close frame, the last event of a connection; no code when its payload was empty.
    case close(code: UInt16?, reason: String)
}
