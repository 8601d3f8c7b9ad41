/// The first byte of a frame, checked against what may come at this point of the connection.
struct FrameOpening: Sendable {
    let opcode: WebSocketOpcode
    let isFinal: Bool

    /// - Parameter kind: what the fragmented message under way is, if there is one.
    init(_ byte: UInt8, inside kind: MessageAssembly.Kind?) throws(WebSocketFault) {
        // No extension is ever negotiated, so none of these bits has a meaning.
        guard byte & 0x70 == 0 else { throw .reservedBits }
        guard let opcode = WebSocketOpcode(rawValue: byte & 0x0F) else { throw .reservedOpcode }
        let isFinal = byte & 0x80 != 0
        switch opcode {
        case .continuation: if kind == nil { throw .continuationWithoutStart }
        case .text, .binary: if kind != nil { throw .interruptedMessage }
        case .close, .ping, .pong: if !isFinal { throw .fragmentedControlFrame }
        }
        self.opcode = opcode
        self.isFinal = isFinal
    }

    /// An extended length, whose top bit is known to be clear, if no shorter form could have said it.
    static func length(_ value: UInt64, width: Int) throws(WebSocketFault) -> Int {
        guard value > (width == 2 ? 125 : 0xFFFF) else { throw .nonMinimalLength }
        return Int(value)
    }
}
