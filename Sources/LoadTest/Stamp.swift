/// What the body of every message begins with: enough for a receiver to account for it.
///
/// 48 hexadecimal digits: run, room, sender and number in the room with 8 each, and with 16 the time for which it was
/// scheduled.
public struct Stamp: Equatable, Sendable {
    public static let byteCount = 48

    public var run: UInt32
    public var room: Int
    /// The index of the member within its room.
    public var sender: Int
    /// Counts from 0 within the room.
    public var number: Int
    /// Nanoseconds of the monotonic clock.
    public var scheduled: Int64

    public init(run: UInt32, room: Int, sender: Int, number: Int, scheduled: Int64) {
        self.run = run
        self.room = room
        self.sender = sender
        self.number = number
        self.scheduled = scheduled
    }

    /// The stamp that a body begins with; nil if it is shorter. What are no digits give some numbers, for the reader to
    /// find out of range.
    public init?(_ body: RawSpan) {
        guard body.byteCount >= Self.byteCount else { return nil }
        run = body.hexadecimal(at: 0)
        room = Int(body.hexadecimal(at: 8))
        sender = Int(body.hexadecimal(at: 16))
        number = Int(body.hexadecimal(at: 24))
        scheduled = Int64(bitPattern: UInt64(body.hexadecimal(at: 32)) << 32 | UInt64(body.hexadecimal(at: 40)))
    }

    /// A body of this size, the stamp first.
    public func body(bytes count: Int) -> [UInt8] {
        precondition(count >= Self.byteCount, "the stamp does not fit")
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        bytes.append(hexadecimal: run)
        bytes.append(hexadecimal: UInt32(truncatingIfNeeded: room))
        bytes.append(hexadecimal: UInt32(truncatingIfNeeded: sender))
        bytes.append(hexadecimal: UInt32(truncatingIfNeeded: number))
        bytes.append(hexadecimal: UInt32(truncatingIfNeeded: scheduled >> 32))
        bytes.append(hexadecimal: UInt32(truncatingIfNeeded: scheduled))
        for _ in Self.byteCount..<max(count, Self.byteCount) { bytes.append(UInt8(ascii: ".")) }
        return bytes
    }
}

extension RawSpan {
    /// Eight hexadecimal digits, all at once: this is read for every delivery.
    func hexadecimal(at offset: Int) -> UInt32 {
        // RawSpan checks the bounds; this is unsafe only for types with invalid bit patterns, which integers lack.
        let text = unsafe UInt64(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
        // A letter has bit 6 and counts from 1: nine more than its low four bits say.
        var digits = (text & 0x0F0F_0F0F_0F0F_0F0F) &+ 9 &* (text >> 6 & 0x0101_0101_0101_0101)
        digits = (digits | digits >> 4) & 0x00FF_00FF_00FF_00FF
        digits = (digits | digits >> 8) & 0x0000_FFFF_0000_FFFF
        return UInt32(truncatingIfNeeded: digits | digits >> 16)
    }
}

extension [UInt8] {
    mutating func append(hexadecimal value: UInt32) {
        for shift in stride(from: 28, through: 0, by: -4) {
            let digit = UInt8(value >> UInt32(shift) & 15)
            append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }
}
