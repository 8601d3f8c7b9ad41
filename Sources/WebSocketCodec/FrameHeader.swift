/// The header of a final, unmasked frame: what a server puts before a payload (RFC 6455 section 5.2).
public struct FrameHeader: Sendable {
    private let opcode: WebSocketOpcode
    private let length: Int

    public init(_ opcode: WebSocketOpcode, length: Int) {
        self.opcode = opcode
        self.length = length
    }

    /// Its bytes: 2, 4 or 10.
    public var count: Int { length <= 125 ? 2 : length <= 0xFFFF ? 4 : 10 }

    /// Writes the header to the first bytes of `buffer`, which holds at least ``count``.
    @unsafe public func write(to buffer: UnsafeMutableRawBufferPointer) {
        unsafe buffer[0] = 0x80 | opcode.rawValue
        switch count {
        case 2: unsafe buffer[1] = UInt8(length)
        case 4:
            unsafe buffer[1] = 126
            unsafe buffer.storeBytes(of: UInt16(length).bigEndian, toByteOffset: 2, as: UInt16.self)
        default:
            unsafe buffer[1] = 127
            unsafe buffer.storeBytes(of: UInt64(length).bigEndian, toByteOffset: 2, as: UInt64.self)
        }
    }
}
