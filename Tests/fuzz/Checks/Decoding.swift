import WebSocketCodec

/// What came out of a decoder: the events, and the fault that ended them.
public struct Outcome: Equatable, CustomStringConvertible {
    public var events: [WebSocketEvent]
    public var fault: WebSocketFault?
    /// Bytes given when the fault was thrown.
    public var faultAt: Int?

    public init(events: [WebSocketEvent] = [], fault: WebSocketFault? = nil) {
        self.events = events
        self.fault = fault
    }

    public var description: String { "\(events), \(fault.map { "\($0)" } ?? "no fault") at \(faultAt ?? -1)" }

    /// Whether bytes cut at `cuts`, as these were, give what they give one by one: the same events, and the same fault in
    /// the piece that has the byte that shows it.
    public func agrees(with bytewise: Outcome, cuts: [Int], count: Int) -> Bool {
        guard self == bytewise else { return false }
        return faultAt == bytewise.faultAt.flatMap { shown in (cuts + [count]).first { $0 >= shown } }
    }

    public static func == (a: Outcome, b: Outcome) -> Bool { a.events == b.events && a.fault == b.fault }
}

public let roomy = WebSocketLimits(maxFramePayload: 1 << 20, maxMessage: 1 << 20)

/// Decodes `bytes` cut before each of the `cuts`.
public func decode(
    _ bytes: [UInt8], cuts: [Int] = [], role: WebSocketRole = .client, limits: WebSocketLimits = roomy
) -> Outcome {
    var decoder = MessageDecoder(role: role, limits: limits)
    var outcome = Outcome()
    var given = 0
    do throws(WebSocketFault) {
        for piece in bytes.pieces(cuts) {
            given += piece.count
            try decoder.decode(piece.span.bytes) { outcome.events.append($0) }
        }
    } catch {
        outcome.fault = error
        outcome.faultAt = given
    }
    return outcome
}

/// Decodes one byte at a time.
public func decodeBytewise(_ bytes: [UInt8], role: WebSocketRole = .client, limits: WebSocketLimits = roomy) -> Outcome {
    decode(bytes, cuts: Array(bytes.indices.dropFirst()), role: role, limits: limits)
}
