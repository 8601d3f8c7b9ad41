/// Builds frames, header and payload in one buffer of the exact size (RFC 6455 section 5.2).
public enum FrameEncoder {
    /// One frame.
    ///
    /// A client passes a fresh `mask` for every frame, a server none. A control frame is final and its payload
    /// is at most 125 bytes: anything else is a programming error.
    public static func frame(
        _ opcode: WebSocketOpcode, _ payload: [UInt8], fin: Bool = true, mask: MaskingKey? = nil
    ) -> [UInt8] {
        precondition(
            !opcode.isControl || fin && payload.count <= WebSocketOpcode.maxControlPayload,
            "a control frame is whole and at most 125 bytes")
        var bytes: [UInt8] = []
        bytes.reserveCapacity(headerSize(payload.count, masked: mask != nil) + payload.count)
        bytes.append(opcode.rawValue | (fin ? 0x80 : 0))
        let maskBit: UInt8 = mask == nil ? 0 : 0x80
        switch payload.count {
        case ...125: bytes.append(maskBit | UInt8(payload.count))
        case ...0xFFFF:
            bytes.append(maskBit | 126)
            appendBigEndian(payload.count, width: 2, to: &bytes)
        default:
            bytes.append(maskBit | 127)
            appendBigEndian(payload.count, width: 8, to: &bytes)
        }
        if let mask { bytes.append(contentsOf: mask.bytes) }
        let start = bytes.count
        bytes.append(contentsOf: payload)
        mask?.apply(to: &bytes, from: start, offset: 0)
        return bytes
    }

    /// A text frame of the whole message.
    public static func text(_ text: String, mask: MaskingKey? = nil) -> [UInt8] {
        frame(.text, Array(text.utf8), mask: mask)
    }

    /// A close frame.
    ///
    /// The reason is cut to 123 bytes, between two scalars. Without a code the payload is empty and there is no reason.
    public static func close(
        _ code: WebSocketCloseCode?, reason: String = "", mask: MaskingKey? = nil
    ) -> [UInt8] {
        guard let code else { return frame(.close, [], mask: mask) }
        precondition(code.isAllowedOnWire, "a code for local use only")
        var payload = [UInt8(code.rawValue >> 8), UInt8(code.rawValue & 0xFF)]
        for scalar in reason.unicodeScalars {
            guard payload.count + UTF8.width(scalar) <= WebSocketOpcode.maxControlPayload else { break }
            payload.append(contentsOf: UTF8.encode(scalar)!)
        }
        return frame(.close, payload, mask: mask)
    }

    /// Bytes before the payload.
    private static func headerSize(_ length: Int, masked: Bool) -> Int {
        let extended = length <= 125 ? 0 : length <= 0xFFFF ? 2 : 8
        return 2 + extended + (masked ? 4 : 0)
    }

    private static func appendBigEndian(_ value: Int, width: Int, to bytes: inout [UInt8]) {
        for shift in (0..<width).reversed() { bytes.append(UInt8(truncatingIfNeeded: value >> (shift * 8))) }
    }
}
