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
        let header = FrameHeader(opcode, length: payload.count, isFinal: fin, isMasked: mask != nil)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(header.count + (mask == nil ? 0 : 4) + payload.count)
        unsafe withUnsafeTemporaryAllocation(byteCount: FrameHeader.longest, alignment: 1) { buffer in
            unsafe header.write(to: buffer)
            unsafe bytes.append(contentsOf: buffer[..<header.count])
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
}
