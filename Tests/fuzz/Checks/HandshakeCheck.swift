import HTTPCodec
import WebSocketCodec

/// What holds for everything that may come where a handshake is awaited.
///
/// The first byte of an input chooses where the rest is cut.
public enum HandshakeCheck {
    /// Small, so that inputs of a few hundred bytes reach every one of them.
    public static let limits = HTTPLimits(maxHeadBytes: 512, maxFields: 12, maxTargetBytes: 64, maxBodyBytes: 48)

    public static func run(_ input: [UInt8]) throws(Contradiction) {
        guard let seed = input.first else { return }
        var random = SeededGenerator(state: UInt64(seed))
        let stream = Array(input.dropFirst())
        let whole = Opening(stream)
        for cuts in [Array(stream.indices.dropFirst())] + [1, 3, 12].map({ stream.randomCuts($0, using: &random) }) {
            let split = Opening(stream, cuts: cuts)
            try require(split == whole, "cut at \(cuts): \(split) instead of \(whole)")
        }
        for case .head(let head) in whole.events { try check(head) }
    }

    private static func check(_ head: HTTPRequestHead) throws(Contradiction) {
        let again = Opening(head.serialized(), limits: HTTPLimits())
        try require(again.events.first == .head(head), "written and read: \(again) instead of \(head)")
        if let query = head.query, let items = QueryItem.parse(query) {
            let encoded = items.map { "\(PercentCoding.encoded($0.name))=\(PercentCoding.encoded($0.value))" }
            try require(QueryItem.parse(encoded.joined(separator: "&")) == items, "query \(items)")
        }
        guard WebSocketHandshake.isRequested(by: head) else { return }
        let handshake: WebSocketHandshake
        do throws(WebSocketHandshakeFault) {
            handshake = try WebSocketHandshake.validate(head)
        } catch {
            let refusal = read(error.response.serialized(keepsAlive: false))
            return try require(refusal.map { 400...499 ~= $0.status } ?? false, "\(error): \(refusal as Any)")
        }
        try accept(handshake)
    }

    /// The answer is one head, and a client that made the same offer takes it.
    private static func accept(_ handshake: WebSocketHandshake) throws(Contradiction) {
        let chosen = handshake.subprotocols.last
        let response = handshake.acceptance(subprotocol: chosen, sha1: digest)
        try require(read(response.serialized()) == response, "\(response)")

        let client = WebSocketUpgrade(host: "h", target: "/", subprotocols: handshake.subprotocols)
        guard case .head(let request)? = Opening(client.request.serialized(), limits: HTTPLimits()).events.first else {
            throw Contradiction(description: "not read: \(client.request)")
        }
        do {
            let offer = try WebSocketHandshake.validate(request)
            try require(offer.subprotocols == handshake.subprotocols, "\(offer) instead of \(handshake)")
            let taken = try client.check(offer.acceptance(subprotocol: chosen, sha1: digest), sha1: digest)
            try require(taken == chosen, "\(taken as Any) instead of \(chosen as Any)")
        } catch {
            throw Contradiction(description: "\(error) for \(handshake)")
        }
    }

    /// Stands in for SHA-1.
    private static func digest(_ bytes: [UInt8]) -> [UInt8] { Array(bytes.prefix(20)) }

    private static func read(_ bytes: [UInt8]) -> HTTPResponseHead? {
        var parser = HTTPResponseParser()
        parser.append(bytes)
        guard case .head(let head)? = try? parser.next() else { return nil }
        return head
    }
}

/// What a connection's first bytes are read as, up to a fault or to the end of HTTP.
public struct Opening: Equatable, CustomStringConvertible {
    public private(set) var events: [HTTPRequestParser.Event] = []
    public private(set) var fault: HTTPFault?
    /// What comes after the head of an accepted handshake, for the frame decoder.
    public private(set) var remainder: [UInt8]?

    public init(_ bytes: [UInt8], cuts: [Int] = [], limits: HTTPLimits = HandshakeCheck.limits) {
        var parser = HTTPRequestParser(limits: limits)
        do throws(HTTPFault) {
            for piece in bytes.pieces(cuts) {
                guard remainder == nil else {
                    remainder! += piece
                    continue
                }
                parser.append(piece)
                while remainder == nil, let event = try parser.next() {
                    events.append(event)
                    if case .head(let head) = event, (try? WebSocketHandshake.validate(head)) != nil {
                        remainder = parser.takeRemainder()
                    }
                }
            }
        } catch {
            fault = error
        }
    }

    public var description: String {
        "\(events), \(fault.map { "\($0)" } ?? "no fault"), then \(remainder.map { "\($0.count) bytes" } ?? "HTTP")"
    }
}
