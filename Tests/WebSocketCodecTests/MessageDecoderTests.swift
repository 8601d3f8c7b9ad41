import CodecChecks
import Testing
import WebSocketCodec

private let hello = Array("Hello".utf8)

@Suite struct MessageDecoderTests {
    /// RFC 6455 section 5.7.
    static let examples: [(WebSocketRole, [UInt8], [WebSocketEvent])] = [
        (.client, [0x81, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F], [.text(hello)]),
        (.server, [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58], [.text(hello)]),
        (.client, [0x01, 0x03, 0x48, 0x65, 0x6C, 0x80, 0x02, 0x6C, 0x6F], [.text(hello)]),
        (.client, [0x89, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F], [.ping(hello)]),
        (.server, [0x8A, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58], [.pong(hello)]),
        (.client, [0x82, 0x7E, 0x01, 0x00] + [UInt8](repeating: 7, count: 256), [.binary([UInt8](repeating: 7, count: 256))]),
        (.client, [0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0] + [UInt8](repeating: 7, count: 65536), [.binary([UInt8](repeating: 7, count: 65536))]),
    ]

    @Test(arguments: examples) func `the examples of the RFC decode`(
        _ role: WebSocketRole, _ bytes: [UInt8], _ events: [WebSocketEvent]
    ) {
        #expect(decode(bytes, role: role) == Outcome(events: events))
        #expect(decodeBytewise(bytes, role: role) == Outcome(events: events))
    }

    /// Each stream shows its fault with its last byte and not before.
    static let faults: [(WebSocketRole, [UInt8], WebSocketFault)] = [
        (.client, [0xC1], .reservedBits),
        (.client, [0xA1], .reservedBits),
        (.client, [0x91], .reservedBits),
        (.client, [0x83], .reservedOpcode),
        (.client, [0x87], .reservedOpcode),
        (.client, [0x8B], .reservedOpcode),
        (.client, [0x8F], .reservedOpcode),
        (.client, [0x08], .fragmentedControlFrame),
        (.client, [0x09], .fragmentedControlFrame),
        (.client, [0x0A], .fragmentedControlFrame),
        (.client, [0x89, 126], .controlFrameTooLong),
        (.client, [0x88, 127], .controlFrameTooLong),
        (.client, [0x81, 0x80], .maskedFrame),
        (.server, [0x81, 0x00], .unmaskedFrame),
        (.client, [0x81, 126, 0, 125], .nonMinimalLength),
        (.client, [0x81, 126, 0, 0], .nonMinimalLength),
        (.client, [0x81, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], .nonMinimalLength),
        (.client, [0x81, 127, 0x80], .lengthOverflow),
        (.client, [0x81, 127, 0xFF], .lengthOverflow),
        (.client, [0x00], .continuationWithoutStart),
        (.client, [0x80], .continuationWithoutStart),
        (.client, [0x81, 1, 65, 0x80], .continuationWithoutStart),
        (.client, [0x01, 1, 65, 0x81], .interruptedMessage),
        (.client, [0x02, 0, 0x02], .interruptedMessage),
        (.client, [0x82, 127, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], .frameTooLarge),
        (.client, [0x81, 5, 65, 0xFF], .invalidUTF8),
        (.client, [0x81, 1, 0xC3], .invalidUTF8),
        (.client, [0x01, 1, 0xC3, 0x80, 1, 0x41], .invalidUTF8),
        (.client, [0x01, 1, 0xC3, 0x80, 0], .invalidUTF8),
        (.server, [0x81, 0x83, 1, 2, 3, 4, 0xFF ^ 1], .invalidUTF8),
        (.client, [0x88, 1], .invalidClosePayload),
        (.client, [0x88, 2, 0x03, 0xE7], .invalidCloseCode),
        (.client, [0x88, 3, 0x03, 0xE8, 0xFF], .invalidCloseReason),
        (.client, [0x88, 3, 0x03, 0xE8, 0xC3], .invalidCloseReason),
    ]

    @Test(arguments: faults) func `a fault is found at the first byte that shows it`(
        _ role: WebSocketRole, _ bytes: [UInt8], _ fault: WebSocketFault
    ) {
        let bytewise = decodeBytewise(bytes, role: role)
        #expect(bytewise.fault == fault)
        #expect(bytewise.faultAt == bytes.count)
        #expect(decode(bytes + [0x89, 0], role: role) == bytewise)
    }

    @Test func `every fault is in the table above or about a size`() {
        let covered = Self.faults.map(\.2) + [.messageTooLarge]
        for fault in WebSocketFault.allCases { #expect(covered.contains(fault), "\(fault)") }
    }

    @Test(arguments: WebSocketFault.allCases) func `every fault makes a close frame the peer can read`(_ fault: WebSocketFault) {
        #expect([1002, 1007, 1009].contains(fault.closeCode.rawValue))
        let frame = FrameEncoder.close(fault.closeCode, reason: fault.reason)
        #expect(decode(frame) == Outcome(events: [.close(code: fault.closeCode.rawValue, reason: fault.reason)]))
    }

    @Test func `close codes are judged as the RFC says`() {
        for code in UInt16.min...UInt16.max {
            let outcome = decode([0x88, 2, UInt8(code >> 8), UInt8(code & 0xFF)])
            let isReserved =
                code < 1000 || (1004...1006).contains(code) || (1015...2999).contains(code) || code >= 5000
            let expected = isReserved
                ? Outcome(fault: .invalidCloseCode) : Outcome(events: [.close(code: code, reason: "")])
            #expect(outcome == expected, "\(code)")
        }
    }

    @Test func `a close frame may be empty, and nothing is read after one`() {
        #expect(decode([0x88, 0, 0xFF, 0x81, 1, 65]) == Outcome(events: [.close(code: nil, reason: "")]))
        let withReason = FrameEncoder.close(.goingAway, reason: "weg, tschüß")
        #expect(
            decode([0x01, 1, 65] + withReason + [0x80, 0])
                == Outcome(events: [.close(code: 1001, reason: "weg, tschüß")]))
    }

    @Test func `a fault is thrown again and nothing is read after it`() throws {
        var decoder = MessageDecoder(role: .client, limits: roomy)
        var events = 0
        for bytes in [[0x83], [0x81, 1, 65]] as [[UInt8]] {
            #expect(throws: WebSocketFault.reservedOpcode) { try decoder.decode(bytes.span.bytes) { _ in events += 1 } }
        }
        #expect(events == 0)
    }

    @Test func `control frames may come between the fragments of a message`() {
        let stream: [UInt8] = [0x01, 2, 65, 0xC3, 0x89, 1, 1, 0x00, 0, 0x8A, 0, 0x80, 1, 0xA9]
        #expect(decode(stream) == Outcome(events: [.ping([1]), .pong([]), .text(Array("Aé".utf8))]))
    }

    @Test func `sizes hold at the bound and are refused on the header one past it`() {
        let limits = WebSocketLimits(maxFramePayload: 200, maxMessage: 300)
        func frame(_ opcode: WebSocketOpcode, _ count: Int, fin: Bool = true) -> [UInt8] {
            FrameEncoder.frame(opcode, [UInt8](repeating: 65, count: count), fin: fin)
        }
        let largest = frame(.binary, 200)
        #expect(decode(largest, limits: limits).events == [.binary([UInt8](repeating: 65, count: 200))])
        let frameOver = decodeBytewise(frame(.text, 201), limits: limits)
        #expect(frameOver.fault == .frameTooLarge)
        #expect(frameOver.faultAt == 4)

        let start = frame(.text, 200, fin: false)
        let whole = decode(start + frame(.continuation, 100), limits: limits)
        #expect(whole.events == [.text([UInt8](repeating: 65, count: 300))])
        let messageOver = decodeBytewise(start + frame(.continuation, 101), limits: limits)
        #expect(messageOver.fault == .messageTooLarge)
        #expect(messageOver.faultAt == start.count + 2)
        #expect(messageOver.fault?.closeCode == .messageTooBig)

        let two = decode(frame(.binary, 200) + frame(.binary, 200), limits: limits)
        #expect(two.events.count == 2, "the bound is for one message, not for several")
        let narrow = WebSocketLimits(maxFramePayload: 1, maxMessage: 1)
        #expect(decode(frame(.ping, 125), limits: narrow).events == [.ping([UInt8](repeating: 65, count: 125))])
    }

    @Test func `a decoder knows whether it is inside a message`() throws {
        var decoder = MessageDecoder(role: .client, limits: roomy)
        var seen: [Bool] = []
        for byte in [0x01, 1, 65, 0x80, 0] as [UInt8] {
            try decoder.decode([byte].span.bytes) { _ in }
            seen.append(decoder.isInsideMessage)
        }
        #expect(seen == [true, true, true, true, false])
    }
}
