import WebSocketCodec

/// How long the message under way has been on its way, so that nobody holds a connection with a frame that never ends.
///
/// A message has a time-out, and one second more for each ``slowestBytesPerSecond`` bytes of it that have arrived: a slow
/// link is no fault, dripping is. Frames that arrive whole cost a comparison; nothing is scheduled for them.
struct MessageProgress {
    /// A peer that sends at least this fast is never cut off.
    static let slowestBytesPerSecond = 1024

    /// Nil while nothing is under way.
    private var begunAt: Int64?
    /// Which message it is, by ``MessageDecoder/finishedCount``.
    private var number = 0
    /// The server does not read: no time of the peer's passes.
    private var isHeld = false

    /// Called after each read; true when a message has begun that was not under way before.
    mutating func note(_ decoder: MessageDecoder, at now: Int64) -> Bool {
        guard decoder.isInsideMessage else {
            begunAt = nil
            return false
        }
        guard begunAt == nil || number != decoder.finishedCount else { return false }
        (begunAt, number) = (now, decoder.finishedCount)
        return true
    }

    mutating func hold() { isHeld = true }

    /// Ends what ``hold()`` began; true when a message is under way, whose time begins anew.
    mutating func release(at now: Int64) -> Bool {
        guard isHeld else { return false }
        isHeld = false
        guard begunAt != nil else { return false }
        begunAt = now
        return true
    }

    /// When the peer is too slow unless more arrives, in the loop's nanoseconds; nil while it cannot be.
    func deadline(_ decoder: MessageDecoder, _ timeout: Duration) -> Int64? {
        guard let begunAt, !isHeld else { return nil }
        let earned = Int64(decoder.unfinishedBytes) * 1_000_000_000 / Int64(Self.slowestBytesPerSecond)
        return begunAt + timeout.nanoseconds + earned
    }
}
