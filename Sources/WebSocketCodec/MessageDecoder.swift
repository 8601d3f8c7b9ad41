/// Turns the bytes of one direction of a connection into messages, without doing any I/O (RFC 6455 section 5).
///
/// Every fault is thrown at the first byte that shows it: sizes at the header, before the payload is taken,
/// and invalid UTF-8 inside a frame, before the frame is whole. How the bytes are cut into pieces changes nothing.
public struct MessageDecoder: Sendable {
    private enum State {
        case start
        case opened(FrameOpening)
        /// Inside the two or eight bytes of an extended length; `value` is what is read of it.
        case length(FrameOpening, width: Int, missing: Int, value: UInt64)
        case mask(FrameOpening, length: Int, missing: Int, bits: UInt32)
        case payload(FrameOpening, length: Int, key: MaskingKey?, received: Int)
        case closed
        case failed(WebSocketFault)
    }

    private let role: WebSocketRole
    private let limits: WebSocketLimits
    private var state: State = .start
    private var message = MessageAssembly()
    private var control: [UInt8] = []
    /// Messages, and control frames outside of one, that are whole: names the one under way.
    public private(set) var finishedCount = 0

    /// A decoder for what the *peer* of this role sends.
    public init(role: WebSocketRole, limits: WebSocketLimits) {
        self.role = role
        self.limits = limits
    }

    /// Whether a fragmented message or a frame has begun and not ended.
    public var isInsideMessage: Bool {
        switch state {
        case .start: message.kind != nil
        case .closed, .failed: false
        default: true
        }
    }

    /// Payload bytes that are here of what is not whole yet.
    public var unfinishedBytes: Int { message.bytes.count + control.count }

    /// Reads the next bytes and delivers what they complete.
    ///
    /// Nothing is read after a close frame or a fault. A fault is thrown again on every later call.
    public mutating func decode(
        _ bytes: RawSpan, _ deliver: (WebSocketEvent) -> Void
    ) throws(WebSocketFault) {
        do {
            try step(bytes, deliver)
        } catch {
            state = .failed(error)
            // A faulty message can be large, and the connection may live on until its close frame is out.
            message = MessageAssembly()
            throw error
        }
    }

    private mutating func step(_ bytes: RawSpan, _ deliver: (WebSocketEvent) -> Void) throws(WebSocketFault) {
        var offset = 0
        while true {
            switch state {
            case .start:
                guard let byte = bytes.next(&offset) else { return }
                state = .opened(try FrameOpening(byte, inside: message.kind))
            case .opened(let opening):
                guard let byte = bytes.next(&offset) else { return }
                state = try afterSecondByte(byte, opening)
            case .length(let opening, let width, let missing, let value):
                guard missing > 0 else {
                    state = try beforeMask(opening, length: try FrameOpening.length(value, width: width))
                    continue
                }
                guard let byte = bytes.next(&offset) else { return }
                guard width < 8 || missing < 8 || byte < 0x80 else { throw .lengthOverflow }
                state = .length(opening, width: width, missing: missing - 1, value: value << 8 | UInt64(byte))
            case .mask(let opening, let length, let missing, let bits):
                guard missing > 0 else {
                    state = .payload(opening, length: length, key: MaskingKey(bits: bits), received: 0)
                    continue
                }
                guard let byte = bytes.next(&offset) else { return }
                state = .mask(opening, length: length, missing: missing - 1, bits: bits >> 8 | UInt32(byte) << 24)
            case .payload(let opening, let length, let key, let received):
                let count = min(length - received, bytes.byteCount - offset)
                try take(bytes.extracting(offset..<(offset + count)), of: opening, length: length, key, received)
                offset += count
                guard received + count == length else {
                    state = .payload(opening, length: length, key: key, received: received + count)
                    return
                }
                state = .start
                if let event = try finish(opening) { deliver(event) }
            case .closed: return
            case .failed(let fault): throw fault
            }
        }
    }

    private func afterSecondByte(_ byte: UInt8, _ opening: FrameOpening) throws(WebSocketFault) -> State {
        switch (role, byte & 0x80 != 0) {
        case (.server, false): throw .unmaskedFrame
        case (.client, true): throw .maskedFrame
        default: break
        }
        let length = Int(byte & 0x7F)
        if opening.opcode.isControl {
            guard length <= WebSocketOpcode.maxControlPayload else { throw .controlFrameTooLong }
            guard opening.opcode != .close || length != 1 else { throw .invalidClosePayload }
        }
        switch length {
        case 126: return .length(opening, width: 2, missing: 2, value: 0)
        case 127: return .length(opening, width: 8, missing: 8, value: 0)
        default: return try beforeMask(opening, length: length)
        }
    }

    private func beforeMask(_ opening: FrameOpening, length: Int) throws(WebSocketFault) -> State {
        if !opening.opcode.isControl {
            guard length <= limits.maxFramePayload else { throw .frameTooLarge }
            guard length <= limits.maxMessage - message.bytes.count else { throw .messageTooLarge }
        }
        return switch role {
        case .server: .mask(opening, length: length, missing: 4, bits: 0)
        case .client: .payload(opening, length: length, key: nil, received: 0)
        }
    }

    private mutating func take(
        _ bytes: RawSpan, of opening: FrameOpening, length: Int, _ key: MaskingKey?, _ received: Int
    ) throws(WebSocketFault) {
        if opening.opcode.isControl {
            control.append(bytes, unmaskedWith: key, offset: received)
        } else {
            try message.append(bytes, of: opening, length: length, unmaskedWith: key, offset: received)
        }
    }

    private mutating func finish(_ opening: FrameOpening) throws(WebSocketFault) -> WebSocketEvent? {
        guard opening.opcode.isControl else {
            guard opening.isFinal else { return nil }
            finishedCount += 1
            return try message.finish()
        }
        if message.kind == nil { finishedCount += 1 }
        let payload = control
        control = []
        switch opening.opcode {
        case .ping: return .ping(payload)
        case .pong: return .pong(payload)
        default:
            let event = try Self.close(payload)
            state = .closed
            message = MessageAssembly()
            return event
        }
    }

    private static func close(_ payload: [UInt8]) throws(WebSocketFault) -> WebSocketEvent {
        guard payload.count >= 2 else { return .close(code: nil, reason: "") }
        let code = WebSocketCloseCode(rawValue: UInt16(payload[0]) << 8 | UInt16(payload[1]))
        guard code.isAllowedOnWire else { throw .invalidCloseCode }
        guard let reason = String(validating: payload.dropFirst(2), as: UTF8.self) else { throw .invalidCloseReason }
        return .close(code: code.rawValue, reason: reason)
    }
}
