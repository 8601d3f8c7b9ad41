import CodecChecks
import Testing
import WebSocketCodec

/// How the network cuts the bytes must not be seen in what is decoded.
@Suite struct SplitTests {
    static let short: [(WebSocketRole, [UInt8])] = [
        (.server, FrameEncoder.text("é😀", mask: MaskingKey(1, 2, 3, 4))),
        (.client, [0x01, 2, 0xE2, 0x82, 0x89, 1, 9, 0x80, 1, 0xAC]),
        (.client, [0x82, 126, 0, 126] + [5, 6, 7]),
        (.client, [0x81, 1, 65, 0x88, 4, 0x03, 0xE8, 0x6F, 0x6B, 0x81]),
        (.client, [0x81, 4, 0xF0, 0x9F, 0x98, 0xFF, 0x81, 1, 65]),
        (.server, [0x82, 0x83, 9, 8, 7, 6, 1, 2, 3, 0x89, 0x80, 0, 0, 0, 0, 0xC0]),
    ]

    @Test(arguments: short) func `every possible split of a short stream gives the same`(_ role: WebSocketRole, _ bytes: [UInt8]) {
        let bytewise = decodeBytewise(bytes, role: role)
        #expect(bytes.count <= 16)
        for pattern in 0..<(1 << (bytes.count - 1)) {
            let cuts = (1..<bytes.count).filter { pattern & (1 << ($0 - 1)) != 0 }
            let outcome = decode(bytes, cuts: cuts, role: role)
            guard outcome.agrees(with: bytewise, cuts: cuts, count: bytes.count) else {
                Issue.record("cut at \(cuts): \(outcome), byte by byte \(bytewise)")
                return
            }
        }
    }

    @Test(arguments: 0..<60) func `random splits of a long stream give the events that were sent`(_ seed: UInt64) {
        var random = SeededGenerator(state: seed)
        var stream: [UInt8] = []
        var sent: [WebSocketEvent] = []
        for _ in 0..<12 { Self.addMessage(to: &stream, &sent, &random) }
        var expected = Outcome(events: sent)
        if Bool.random(using: &random) {
            expected.fault = .reservedOpcode
            expected.faultAt = stream.count + 1
            stream += [0x83, 0x80, 1, 2]
        }
        for _ in 0..<6 {
            let cuts = stream.randomCuts(40, using: &random)
            let outcome = decode(stream, cuts: cuts, role: .server)
            #expect(outcome.agrees(with: expected, cuts: cuts, count: stream.count), "seed \(seed), cut at \(cuts)")
        }
    }

    /// A message in one to four fragments, with control frames in between.
    static func addMessage(
        to stream: inout [UInt8], _ sent: inout [WebSocketEvent], _ random: inout SeededGenerator
    ) {
        let isText = Bool.random(using: &random)
        let size = [0, 3, 125, 126, 127, 1000, 70_000].randomElement(using: &random)!
        let scalars = ["a", "é", "€", "😀", "\u{10FFFF}", "\u{0}"]
        let payload: [UInt8] =
            isText
            ? Array((0..<(size / 4)).map { _ in scalars.randomElement(using: &random)! }.joined().utf8)
            : (0..<size).map { _ in .random(in: .min ... .max, using: &random) }
        var rest = payload[...]
        let fragments = Int.random(in: 1...4, using: &random)
        for index in 0..<fragments {
            let isLast = index == fragments - 1
            let part = Array(rest.prefix(isLast ? .max : .random(in: 0...rest.count, using: &random)))
            rest = rest.dropFirst(part.count)
            let opcode: WebSocketOpcode = index > 0 ? .continuation : isText ? .text : .binary
            stream += FrameEncoder.frame(opcode, part, fin: isLast, mask: key(&random))
            if !isLast, Bool.random(using: &random) {
                let control = [UInt8](repeating: UInt8(index), count: .random(in: 0...125, using: &random))
                stream += FrameEncoder.frame(.ping, control, mask: key(&random))
                sent.append(.ping(control))
            }
        }
        sent.append(isText ? .text(payload) : .binary(payload))
    }

    private static func key(_ random: inout SeededGenerator) -> MaskingKey {
        MaskingKey(
            .random(in: .min ... .max, using: &random), .random(in: .min ... .max, using: &random),
            .random(in: .min ... .max, using: &random), .random(in: .min ... .max, using: &random))
    }

    @Test func `random bytes never trap and any split of them gives the same`() throws {
        var random = SeededGenerator(state: 7)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 1...24, using: &random)).map { _ in
                // Plausible headers more often than chance would give them.
                [0x81, 0x01, 0x80, 0x89, 0x88, 0x02, UInt8.random(in: .min ... .max, using: &random)]
                    .randomElement(using: &random)!
            }
            try FrameCheck.run([.random(in: 0...3, using: &random), .random(in: .min ... .max, using: &random)] + bytes)
        }
    }

    @Test func `a handshake and the frames right behind it may be cut anywhere`() throws {
        let frames = FrameEncoder.text("é😀", mask: MaskingKey(1, 2, 3, 4)) + FrameEncoder.close(.normal, mask: MaskingKey(5, 6, 7, 8))
        let request = WebSocketUpgrade(host: "h", target: "/?token=a.b", subprotocols: ["muster.v1"]).request
        let stream = request.serialized() + frames
        let whole = Opening(stream)
        #expect(whole.events == [.head(request)])
        #expect(whole.remainder == frames)
        #expect(Opening(stream, cuts: Array(stream.indices.dropFirst())) == whole)
        for first in stream.indices {
            for second in stride(from: first, to: stream.count, by: 5) {
                guard Opening(stream, cuts: [first, second]) == whole else {
                    Issue.record("cut at \(first) and \(second)")
                    return
                }
            }
        }
    }
}
