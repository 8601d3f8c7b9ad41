/// How a peer broke the protocol, or a limit.
///
/// The decoder that threw one reads nothing more: the connection gets a close frame with ``closeCode`` and
/// ``reason``, and is closed.
public enum WebSocketFault: Error, Equatable, Sendable, CaseIterable {
    case reservedBits
    case reservedOpcode
    case fragmentedControlFrame
    case controlFrameTooLong
    case unmaskedFrame
    case maskedFrame
    case nonMinimalLength
    case lengthOverflow
    case continuationWithoutStart
    case interruptedMessage
    case frameTooLarge
    case messageTooLarge
    case invalidUTF8
    case invalidClosePayload
    case invalidCloseCode
    case invalidCloseReason

    /// The code the peer is told.
    public var closeCode: WebSocketCloseCode { answer.code }

    /// The text the peer is told: at most 123 bytes, and nothing of what it sent.
    public var reason: String { answer.reason }

    private var answer: (code: WebSocketCloseCode, reason: String) {
        switch self {
        case .reservedBits: (.protocolError, "reserved bits set")
        case .reservedOpcode: (.protocolError, "reserved opcode")
        case .fragmentedControlFrame: (.protocolError, "fragmented control frame")
        case .controlFrameTooLong: (.protocolError, "control frame over 125 bytes")
        case .unmaskedFrame: (.protocolError, "frame from a client without a mask")
        case .maskedFrame: (.protocolError, "frame from a server with a mask")
        case .nonMinimalLength: (.protocolError, "length not in its shortest form")
        case .lengthOverflow: (.protocolError, "length with its top bit set")
        case .continuationWithoutStart: (.protocolError, "continuation without a message")
        case .interruptedMessage: (.protocolError, "new message inside a fragmented one")
        case .frameTooLarge: (.messageTooBig, "frame too large")
        case .messageTooLarge: (.messageTooBig, "message too large")
        case .invalidUTF8: (.invalidPayload, "text is not UTF-8")
        case .invalidClosePayload: (.protocolError, "close frame of one byte")
        case .invalidCloseCode: (.protocolError, "invalid close code")
        case .invalidCloseReason: (.invalidPayload, "close reason is not UTF-8")
        }
    }
}
