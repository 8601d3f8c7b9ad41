/// The message under way: its bytes so far, unmasked, and for text how far they are known to be UTF-8.
struct MessageAssembly: Sendable {
    enum Kind: Sendable {
        case text
        case binary
    }

    /// Nil between messages.
    private(set) var kind: Kind?
    private(set) var bytes: [UInt8] = []
    private var validator = UTF8Validator()

    /// What is reserved for a frame that has only begun to arrive: its header alone must not cost memory.
    private static let reservedAhead = 64 * 1024

    /// Appends the part of a frame's payload that starts at its byte `offset`.
    mutating func append(
        _ part: RawSpan, of opening: FrameOpening, length: Int, unmaskedWith key: MaskingKey?, offset: Int
    ) throws(WebSocketFault) {
        switch opening.opcode {
        case .text: kind = .text
        case .binary: kind = .binary
        default: break
        }
        if bytes.isEmpty, part.byteCount < length { bytes.reserveCapacity(min(length, Self.reservedAhead)) }
        let start = bytes.count
        bytes.append(part, unmaskedWith: key, offset: offset)
        if kind == .text, !validator.accepts(bytes, from: start) { throw .invalidUTF8 }
    }

    /// The whole message, after which the next one can begin.
    mutating func finish() throws(WebSocketFault) -> WebSocketEvent {
        guard validator.isComplete else { throw .invalidUTF8 }
        let event: WebSocketEvent = kind == .text ? .text(bytes) : .binary(bytes)
        self = MessageAssembly()
        return event
    }
}

extension [UInt8] {
    /// Appends `part`, unmasked; its first byte is the payload's byte `offset`.
    mutating func append(_ part: RawSpan, unmaskedWith key: MaskingKey?, offset: Int) {
        let start = count
        unsafe part.withUnsafeBytes { unsafe append(contentsOf: $0) }
        key?.apply(to: &self, from: start, offset: offset)
    }
}

extension RawSpan {
    /// The byte at `offset`, which moves on; nil at the end.
    func next(_ offset: inout Int) -> UInt8? {
        guard offset < byteCount else { return nil }
        // In bounds by the line above.
        defer { offset += 1 }
        return unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }
}
