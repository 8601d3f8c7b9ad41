/// The header of a frame up to its masking key, if it has one (RFC 6455 section 5.2).
public struct FrameHeader: Sendable {
    private let opcode: WebSocketOpcode
    private let length: Int
    private let isFinal: Bool
    private let isMasked: Bool

    /// - Parameter length: the payload's bytes.
    public init(_ opcode: WebSocketOpcode, length: Int, isFinal: Bool = true, isMasked: Bool = false) {
        self.opcode = opcode
        self.length = length
        self.isFinal = isFinal
        self.isMasked = isMasked
    }

    /// The most bytes a header has.
    static let longest = 10

    /// Its bytes: 2, 4 or 10.
    public var count: Int { length <= 125 ? 2 : length <= 0xFFFF ? 4 : 10 }

    /// Writes the header to the first bytes of `buffer`, which holds at least ``count``.
    @unsafe public func write(to buffer: UnsafeMutableRawBufferPointer) {
        let maskBit: UInt8 = isMasked ? 0x80 : 0
        unsafe buffer[0] = opcode.rawValue | (isFinal ? 0x80 : 0)
        switch count {
        case 2: unsafe buffer[1] = maskBit | UInt8(length)
        case 4:
            unsafe buffer[1] = maskBit | 126
            unsafe buffer.storeBytes(of: UInt16(length).bigEndian, toByteOffset: 2, as: UInt16.self)
        default:
            unsafe buffer[1] = maskBit | 127
            unsafe buffer.storeBytes(of: UInt64(length).bigEndian, toByteOffset: 2, as: UInt64.self)
        }
    }
}
