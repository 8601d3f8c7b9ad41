import CodecChecks
import Testing
import WebSocketCodec

/// Text is UTF-8 as Unicode's table 3-7 has it, and is refused at the first byte that ends all hope.
@Suite struct UTF8Tests {
    static let valid: [[UInt8]] = [
        [], [0x00], [0x7F], [0xC2, 0x80], [0xDF, 0xBF], [0xE0, 0xA0, 0x80], [0xE0, 0xBF, 0xBF], [0xE1, 0x80, 0x80],
        [0xEC, 0xBF, 0xBF], [0xED, 0x80, 0x80], [0xED, 0x9F, 0xBF], [0xEE, 0x80, 0x80], [0xEF, 0xBF, 0xBD],
        [0xEF, 0xBF, 0xBE], [0xEF, 0xBF, 0xBF], [0xF0, 0x90, 0x80, 0x80], [0xF1, 0x80, 0x80, 0x80],
        [0xF3, 0xBF, 0xBF, 0xBF], [0xF4, 0x80, 0x80, 0x80], [0xF4, 0x8F, 0xBF, 0xBF],
        Array("κόσμε".utf8), Array("Hello-µ@ßöäüàá-UTF-8!!".utf8), Array("12345678é12345678😀1234567".utf8),
    ]

    /// The bytes, and how many of them it takes to know.
    static let invalid: [([UInt8], Int)] = [
        ([0x80], 1), ([0xBF], 1), ([0xC0, 0x80], 1), ([0xC1, 0xBF], 1), ([0xF5, 0x80, 0x80, 0x80], 1), ([0xF8], 1),
        ([0xFC], 1), ([0xFE], 1), ([0xFF], 1), ([0x41, 0x42, 0x80], 3),
        ([0xC2, 0x41], 2), ([0xC2, 0xC2], 2), ([0xDF, 0x7F], 2), ([0xDF, 0xC0], 2),
        ([0xE0, 0x80, 0x80], 2), ([0xE0, 0x9F, 0xBF], 2), ([0xE1, 0x7F], 2), ([0xE1, 0x80, 0xC0], 3),
        ([0xED, 0xA0, 0x80], 2), ([0xED, 0xBF, 0xBF], 2), ([0xED, 0xA0, 0x80, 0xED, 0xB0, 0x80], 2),
        ([0xF0, 0x80, 0x80, 0x80], 2), ([0xF0, 0x8F, 0xBF, 0xBF], 2), ([0xF0, 0x90, 0x41], 3),
        ([0xF1, 0x80, 0x80, 0x41], 4), ([0xF4, 0x90, 0x80, 0x80], 2), ([0xF4, 0xBF, 0xBF, 0xBF], 2),
        (Array("12345678".utf8) + [0xFF], 9), (Array("κόσμε".utf8) + [0xED, 0xA0, 0x80], 12),
    ]

    /// What ends inside a scalar is refused where the message ends.
    static let unfinished: [[UInt8]] = [
        [0xC3], [0xE2], [0xE2, 0x82], [0xF0], [0xF0, 0x9F], [0xF0, 0x9F, 0x98], Array("12345678".utf8) + [0xF4, 0x8F],
    ]

    @Test(arguments: valid) func `valid text is taken however it is cut`(_ bytes: [UInt8]) {
        let expected = Outcome(events: [.text(bytes)])
        #expect(decode(FrameEncoder.frame(.text, bytes)) == expected)
        #expect(decodeBytewise(FrameEncoder.frame(.text, bytes)) == expected)
        for cut in 0...bytes.count { #expect(decode(Self.fragmented(bytes, at: cut)) == expected, "at \(cut)") }
    }

    @Test(arguments: invalid) func `invalid text is refused at once however it is cut`(_ bytes: [UInt8], _ known: Int) {
        let padded = bytes + Array("more".utf8)
        let outcome = decodeBytewise(FrameEncoder.frame(.text, padded))
        #expect(outcome.fault == .invalidUTF8)
        #expect(outcome.faultAt == 2 + known)
        for cut in 0...bytes.count {
            let stream = Self.fragmented(bytes, at: cut)
            #expect(decode(stream) == Outcome(fault: .invalidUTF8), "at \(cut)")
            #expect(decodeBytewise(stream) == Outcome(fault: .invalidUTF8), "at \(cut)")
        }
    }

    @Test(arguments: unfinished) func `text that ends inside a scalar is refused at its end`(_ bytes: [UInt8]) {
        let stream = FrameEncoder.frame(.text, bytes)
        #expect(decode(Array(stream.dropLast())).fault == nil)
        #expect(decode(stream).fault == .invalidUTF8)
        for cut in 0...bytes.count {
            #expect(decodeBytewise(Self.fragmented(bytes, at: cut)).fault == .invalidUTF8, "at \(cut)")
        }
    }

    /// With bytes behind them they are judged as a whole, at the end one by one.
    @Test(arguments: [[], [0x80], Array("tail".utf8), [0x80] + Array("tail".utf8)])
    func `all sequences of three bytes are judged as the standard library judges them`(_ tail: [UInt8]) {
        for lead in 0..<256 {
            for second in stride(from: 0, to: 256, by: lead < 0xC0 ? 64 : 1) {
                for third in [0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0xA0, 0xBF, 0xC0, 0xFF] {
                    let bytes = [UInt8(lead), UInt8(second), UInt8(third)] + tail
                    let isValid = String(validating: bytes, as: UTF8.self) != nil
                    guard (decode(FrameEncoder.frame(.text, bytes)).fault == nil) == isValid else {
                        Issue.record("\(bytes)")
                        return
                    }
                }
            }
        }
    }

    @Test func `binary messages are not looked into`() {
        #expect(decode(FrameEncoder.frame(.binary, [0xFF])) == Outcome(events: [.binary([0xFF])]))
    }

    private static func fragmented(_ bytes: [UInt8], at cut: Int) -> [UInt8] {
        FrameEncoder.frame(.text, Array(bytes[..<cut]), fin: false)
            + FrameEncoder.frame(.continuation, Array(bytes[cut...]))
    }
}
