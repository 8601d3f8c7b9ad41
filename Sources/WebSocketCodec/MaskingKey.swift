/// The four bytes a client's payload is combined with (RFC 6455 section 5.3).
public struct MaskingKey: Sendable, Equatable {
    /// The first byte on the wire is the lowest.
    private let bits: UInt32

    public init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
        bits = UInt32(a) | UInt32(b) << 8 | UInt32(c) << 16 | UInt32(d) << 24
    }

    init(bits: UInt32) {
        self.bits = bits
    }

    /// A fresh key from the system's random numbers, which a client needs for every frame.
    public static func random() -> MaskingKey {
        MaskingKey(bits: .random(in: .min ... .max))
    }

    var bytes: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: bits >> ($0 * 8)) } }

    /// Masks or unmasks (it is the same) the bytes from `start` on, the first of which is the payload's byte `offset`.
    func apply(to bytes: inout [UInt8], from start: Int, offset: Int) {
        let turn = UInt32(offset & 3) * 8
        let turned = bits >> turn | bits << ((32 - turn) & 31)
        let word = UInt64(turned) | UInt64(turned) << 32
        unsafe bytes.withUnsafeMutableBytes { buffer in
            var index = start
            while index + 8 <= buffer.count {
                let masked = unsafe buffer.loadUnaligned(fromByteOffset: index, as: UInt64.self) ^ word.littleEndian
                unsafe buffer.storeBytes(of: masked, toByteOffset: index, as: UInt64.self)
                index += 8
            }
            var rest = word
            while index < buffer.count {
                unsafe buffer[index] ^= UInt8(truncatingIfNeeded: rest)
                rest >>= 8
                index += 1
            }
        }
    }
}
