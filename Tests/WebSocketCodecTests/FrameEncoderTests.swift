import CodecChecks
import Testing
import WebSocketCodec

@Suite struct FrameEncoderTests {
    @Test func `the examples of the RFC encode`() {
        let hello = Array("Hello".utf8)
        #expect(FrameEncoder.text("Hello") == [0x81, 0x05] + hello)
        #expect(
            FrameEncoder.text("Hello", mask: MaskingKey(0x37, 0xFA, 0x21, 0x3D))
                == [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58])
        #expect(FrameEncoder.frame(.text, Array("Hel".utf8), fin: false) == [0x01, 0x03, 0x48, 0x65, 0x6C])
        #expect(FrameEncoder.frame(.continuation, Array("lo".utf8)) == [0x80, 0x02, 0x6C, 0x6F])
        #expect(FrameEncoder.frame(.ping, hello) == [0x89, 0x05] + hello)
    }

    @Test(arguments: [
        (0, [0x82, 0]), (125, [0x82, 125]), (126, [0x82, 126, 0, 126]), (65535, [0x82, 126, 0xFF, 0xFF]),
        (65536, [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
    ] as [(Int, [UInt8])])
    func `lengths take their shortest form`(_ count: Int, _ header: [UInt8]) {
        let payload = [UInt8](repeating: 9, count: count)
        let frame = FrameEncoder.frame(.binary, payload)
        #expect(Array(frame.prefix(header.count)) == header)
        #expect(frame.count == header.count + count)
        #expect(decode(frame) == Outcome(events: [.binary(payload)]))
    }

    @Test func `masking works at every length and offset`() {
        for count in 0...40 {
            let payload = (0..<count).map { UInt8($0) }
            let frame = FrameEncoder.frame(.binary, payload, mask: MaskingKey(0xDE, 0xAD, 0xBE, 0xEF))
            let byHand = payload.enumerated().map { $1 ^ [0xDE, 0xAD, 0xBE, 0xEF][$0 % 4] }
            #expect(Array(frame.dropFirst(6)) == byHand)
            for cut in 0...frame.count {
                #expect(decode(frame, cuts: [cut], role: .server) == Outcome(events: [.binary(payload)]))
            }
        }
    }

    @Test func `a close reason is cut between scalars to fit`() {
        let exact = String(repeating: "a", count: 123)
        #expect(decode(FrameEncoder.close(.normal, reason: exact)).events == [.close(code: 1000, reason: exact)])
        let euros = String(repeating: "€", count: 42)
        #expect(
            decode(FrameEncoder.close(.tokenExpired, reason: euros)).events
                == [.close(code: 4401, reason: String(euros.prefix(41)))])
        let over = String(repeating: "a", count: 122) + "é"
        #expect(
            decode(FrameEncoder.close(.normal, reason: over)).events
                == [.close(code: 1000, reason: String(over.dropLast()))])
        #expect(FrameEncoder.close(nil) == [0x88, 0])
    }

    @Test func `random masks differ`() {
        #expect(Set((0..<8).map { _ in FrameEncoder.text("12345678", mask: .random()) }).count > 1)
    }
}
