import WebSocketCodec

/// What came out of a decoder: the events, and the fault that ended them.
struct Outcome: Equatable, CustomStringConvertible {
    var events: [WebSocketEvent] = []
    var fault: WebSocketFault?
    /// Bytes given when the fault was thrown.
    var faultAt: Int?

    var description: String { "\(events), \(fault.map { "\($0)" } ?? "no fault") at \(faultAt ?? -1)" }

    static func == (a: Outcome, b: Outcome) -> Bool { a.events == b.events && a.fault == b.fault }
}

let roomy = WebSocketLimits(maxFramePayload: 1 << 20, maxMessage: 1 << 20)

/// Decodes `bytes` cut before each of the `cuts`.
func decode(
    _ bytes: [UInt8], cuts: [Int] = [], role: WebSocketRole = .client, limits: WebSocketLimits = roomy
) -> Outcome {
    var decoder = MessageDecoder(role: role, limits: limits)
    var outcome = Outcome()
    var start = 0
    do throws(WebSocketFault) {
        for end in cuts + [bytes.count] {
            let piece = Array(bytes[start..<end])
            start = end
            try decoder.decode(piece.span.bytes) { outcome.events.append($0) }
        }
    } catch {
        outcome.fault = error
        outcome.faultAt = start
    }
    return outcome
}

/// Decodes one byte at a time.
func decodeBytewise(_ bytes: [UInt8], role: WebSocketRole = .client, limits: WebSocketLimits = roomy) -> Outcome {
    decode(bytes, cuts: Array(1..<max(bytes.count, 1)), role: role, limits: limits)
}

/// A small generator whose runs repeat (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
