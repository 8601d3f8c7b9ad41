import WebSocketCodec

/// What holds for every stream of bytes that a peer may send.
///
/// The first byte of an input chooses the role and the limits, the second where the stream, which is the rest, is cut.
public enum FrameCheck {
    static let narrow = WebSocketLimits(maxFramePayload: 16, maxMessage: 24)

    public static func run(_ input: [UInt8]) throws(Contradiction) {
        guard input.count > 2 else { return }
        let role: WebSocketRole = input[0] & 1 == 0 ? .server : .client
        let limits = input[0] & 2 == 0 ? roomy : narrow
        var random = SeededGenerator(state: UInt64(input[1]))
        let stream = Array(input[2...])
        let whole = decode(stream, role: role, limits: limits)
        try splits(stream, whole, role, limits, &random)
        for event in whole.events { try possible(event, limits) }
        try encoding(whole.events, role, limits, &random)
        try payload(stream, role, &random)
    }

    private static func splits(
        _ stream: [UInt8], _ whole: Outcome, _ role: WebSocketRole, _ limits: WebSocketLimits,
        _ random: inout SeededGenerator
    ) throws(Contradiction) {
        let bytewise = decodeBytewise(stream, role: role, limits: limits)
        try require(whole.agrees(with: bytewise, cuts: [], count: stream.count), "\(whole), byte by byte \(bytewise)")
        for most in [1, 3, 12] {
            let cuts = stream.randomCuts(most, using: &random)
            let split = decode(stream, cuts: cuts, role: role, limits: limits)
            try require(
                split.agrees(with: bytewise, cuts: cuts, count: stream.count),
                "cut at \(cuts): \(split), byte by byte \(bytewise)")
        }
    }

    private static func possible(_ event: WebSocketEvent, _ limits: WebSocketLimits) throws(Contradiction) {
        let isPossible =
            switch event {
            case .text(let bytes): bytes.count <= limits.maxMessage && String(validating: bytes, as: UTF8.self) != nil
            case .binary(let bytes): bytes.count <= limits.maxMessage
            case .ping(let bytes), .pong(let bytes): bytes.count <= WebSocketOpcode.maxControlPayload
            case .close(let code, let reason):
                code.map { WebSocketCloseCode(rawValue: $0).isAllowedOnWire } ?? reason.isEmpty
                    && reason.utf8.count <= WebSocketOpcode.maxControlPayload - 2
            }
        try require(isPossible, "\(event)")
    }

    /// What is encoded, in whatever fragments, decodes to itself.
    private static func encoding(
        _ events: [WebSocketEvent], _ role: WebSocketRole, _ limits: WebSocketLimits, _ random: inout SeededGenerator
    ) throws(Contradiction) {
        var stream: [UInt8] = []
        for event in events {
            switch event {
            case .text(let bytes): stream += fragments(.text, bytes, role, limits, &random)
            case .binary(let bytes): stream += fragments(.binary, bytes, role, limits, &random)
            case .ping(let bytes): stream += FrameEncoder.frame(.ping, bytes, mask: mask(role, &random))
            case .pong(let bytes): stream += FrameEncoder.frame(.pong, bytes, mask: mask(role, &random))
            case .close(let code, let reason):
                stream += FrameEncoder.close(
                    code.map(WebSocketCloseCode.init(rawValue:)), reason: reason, mask: mask(role, &random))
            }
        }
        let decoded = decode(stream, cuts: stream.randomCuts(5, using: &random), role: role, limits: limits)
        try require(decoded == Outcome(events: events), "encoded and decoded: \(decoded) instead of \(events)")
    }

    /// Any bytes are a binary message; they are a text if the standard library takes them for one.
    private static func payload(
        _ bytes: [UInt8], _ role: WebSocketRole, _ random: inout SeededGenerator
    ) throws(Contradiction) {
        let binary = decode(fragments(.binary, bytes, role, roomy, &random), role: role)
        try require(binary == Outcome(events: [.binary(bytes)]), "as binary: \(binary)")
        let isText = String(validating: bytes, as: UTF8.self) != nil
        let text = decode(fragments(.text, bytes, role, roomy, &random), role: role)
        try require(text == (isText ? Outcome(events: [.text(bytes)]) : Outcome(fault: .invalidUTF8)), "as text: \(text)")
    }

    private static func fragments(
        _ opcode: WebSocketOpcode, _ bytes: [UInt8], _ role: WebSocketRole, _ limits: WebSocketLimits,
        _ random: inout SeededGenerator
    ) -> [UInt8] {
        let largest = Array(stride(from: limits.maxFramePayload, to: bytes.count, by: limits.maxFramePayload))
        let pieces = bytes.pieces((largest + bytes.randomCuts(3, using: &random)).sorted())
        return pieces.indices.flatMap { index in
            FrameEncoder.frame(
                index == 0 ? opcode : .continuation, pieces[index], fin: index == pieces.count - 1,
                mask: mask(role, &random))
        }
    }

    private static func mask(_ role: WebSocketRole, _ random: inout SeededGenerator) -> MaskingKey? {
        guard role == .server else { return nil }
        let bits = random.next()
        return MaskingKey(
            UInt8(truncatingIfNeeded: bits), UInt8(truncatingIfNeeded: bits >> 8), UInt8(truncatingIfNeeded: bits >> 16),
            UInt8(truncatingIfNeeded: bits >> 24))
    }
}
