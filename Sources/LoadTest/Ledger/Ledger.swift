/// Who was to get which message, who got it, and when: the accounts from which everything reported is computed.
///
/// Rooms, members and messages are indices, so that a delivery costs a few array accesses. Connection `c` is member
/// `c % members` of room `c / members`; message `number` of a room is `number * rooms + room` among all.
struct Ledger: Sendable {
    private static let refused = UInt32.max

    let rooms: Int
    let members: Int
    let run: UInt32
    /// Whether the sending connection gets its own message too.
    let echoes: Bool

    /// Milliseconds at which a message was acknowledged, counted from 1; 0 while it is unanswered.
    private var answered: [UInt32] = []
    /// How many members have a message.
    private var copies: [UInt32] = []
    /// Bit `number % 64` of word `number / 64` of a connection: it has that message, or sent it.
    private var seen: [UInt64]
    private var words: Int
    private var newest: [Int64]
    /// As ``answered``, for when a connection ended; the maximum while it lives.
    private var ended: [UInt32]
    private var living: [Int]
    private var anyEnded = false
    private var origin: Int64 = 0
    /// Messages before this one are overdue when they are not everywhere.
    private var watermark = 0

    private(set) var sent = 0
    private(set) var acked = 0
    private(set) var refusals: [String: Int] = [:]
    private(set) var refusedCount = 0
    /// Deliveries, each counted once.
    private(set) var received = 0
    private(set) var duplicated = 0
    private(set) var outOfOrder = 0
    /// Messages that are not of this run or not for the connection that got them.
    private(set) var foreign = 0
    /// Deliveries of acknowledged messages that are still to come, as far as nobody left.
    private(set) var outstanding = 0
    /// Deliveries that should have come a while ago.
    private(set) var overdue = 0
    /// Since ``takeInterval()``.
    private var ackInterval = Histogram()
    private var deliveryInterval = Histogram()

    init(rooms: Int, members: Int, run: UInt32, echoes: Bool = false, expectedMessages: Int = 0) {
        (self.rooms, self.members, self.run, self.echoes) = (rooms, members, run, echoes)
        words = max(1, (expectedMessages + rooms - 1) / rooms / 64 + 1)
        seen = [UInt64](repeating: 0, count: rooms * members * words)
        newest = [Int64](repeating: 0, count: rooms * members)
        // Nobody is there before it joined.
        ended = [UInt32](repeating: 0, count: rooms * members)
        living = [Int](repeating: 0, count: rooms)
        answered.reserveCapacity(expectedMessages)
        copies.reserveCapacity(expectedMessages)
    }

    var unanswered: Int { sent - acked - refusedCount }

    /// Whether nothing is under way any more.
    var isSettled: Bool {
        guard unanswered == 0 else { return false }
        return anyEnded ? tally().lost == 0 : outstanding <= 0
    }

    func expected(in room: Int) -> Int { living[room] - (echoes ? 0 : 1) }

    mutating func begin(at now: Int64) { origin = now }

    mutating func joined(_ connection: Int) {
        ended[connection] = .max
        living[connection / members] += 1
    }

    mutating func ended(_ connection: Int, at now: Int64) {
        guard ended[connection] == .max else { return }
        ended[connection] = milliseconds(now)
        living[connection / members] -= 1
        anyEnded = true
    }

    func isLiving(_ connection: Int) -> Bool { ended[connection] == .max }

    /// Notes that a message leaves. Gives its number among all, by which its answer is known.
    mutating func sends(room: Int, number: Int, from sender: Int) -> Int {
        let message = number * rooms + room
        while message >= copies.count {
            answered.append(0)
            copies.append(0)
        }
        if number / 64 >= words { widen(to: number) }
        if !echoes { mark(room * members + sender, number) }
        sent += 1
        return message
    }

    /// Nil time: the message counts as acknowledged, and no latency is recorded.
    mutating func acknowledged(_ message: Int, scheduled: Int64?, at now: Int64) {
        guard answered.indices.contains(message), answered[message] == 0 else { return foreign += 1 }
        answered[message] = milliseconds(now)
        acked += 1
        if let scheduled { ackInterval.record(now - scheduled) }
        let missing = expected(in: message % rooms) - Int(copies[message])
        outstanding += missing
        if message < watermark { overdue += missing }
    }

    mutating func refused(_ message: Int?, code: String) {
        refusals[code, default: 0] += 1
        guard let message, answered.indices.contains(message), answered[message] == 0 else { return }
        answered[message] = Self.refused
        refusedCount += 1
    }

    /// Books one delivery. `seq` is 0 where the service numbers nothing. True when every member has the message now.
    @inline(__always)
    mutating func delivered(_ stamp: Stamp, seq: Int64, to connection: Int, at now: Int64) -> Bool {
        let message = stamp.number &* rooms &+ stamp.room
        guard stamp.run == run, stamp.room == connection / members, message < copies.count else {
            foreign += 1
            return false
        }
        guard mark(connection, stamp.number) else {
            duplicated += 1
            return false
        }
        deliveryInterval.record(now - stamp.scheduled)
        received += 1
        if seq > newest[connection] { newest[connection] = seq } else if seq != 0 { outOfOrder += 1 }
        copies[message] += 1
        let isAcknowledged = answered[message] != 0 && answered[message] != Self.refused
        if isAcknowledged {
            outstanding -= 1
            if message < watermark { overdue -= 1 }
        }
        return Int(copies[message]) == expected(in: stamp.room)
    }

    /// A message that is none of ours.
    mutating func receivedForeign() { foreign += 1 }

    /// Declares messages up to a number overdue.
    mutating func passWatermark(_ message: Int) {
        while watermark < min(message, copies.count) {
            if answered[watermark] != 0, answered[watermark] != Self.refused {
                overdue += max(0, expected(in: watermark % rooms) - Int(copies[watermark]))
            }
            watermark += 1
        }
    }

    /// The latencies since the last call.
    mutating func takeInterval() -> (ack: Histogram, delivery: Histogram) {
        defer { (ackInterval, deliveryInterval) = (Histogram(), Histogram()) }
        return (ackInterval, deliveryInterval)
    }

    /// What was expected and what of it never came, member by member: an acknowledged message is expected by every
    /// member whose connection outlived the acknowledgement.
    func tally() -> (expected: Int, lost: Int) {
        var expected = 0
        var lost = 0
        for room in 0..<rooms {
            for connection in room * members..<(room + 1) * members where ended[connection] > 0 {
                for message in stride(from: room, to: answered.count, by: rooms) {
                    let time = answered[message]
                    guard time != 0, time != Self.refused, time < ended[connection] else { continue }
                    expected += 1
                    if !has(connection, message / rooms) { lost += 1 }
                }
            }
        }
        // The sender's own mark stands for the copy it does not get; it was there for the answer.
        return (echoes ? expected : expected - acked, lost)
    }

    private func milliseconds(_ now: Int64) -> UInt32 { UInt32(clamping: max(0, now - origin) / 1_000_000 + 1) }

    private func has(_ connection: Int, _ number: Int) -> Bool {
        seen[connection * words + number / 64] & 1 << UInt64(number % 64) != 0
    }

    /// False when it was marked already.
    @discardableResult @inline(__always)
    private mutating func mark(_ connection: Int, _ number: Int) -> Bool {
        let place = connection &* words &+ number / 64
        let bit: UInt64 = 1 << UInt64(number & 63)
        guard seen[place] & bit == 0 else { return false }
        seen[place] |= bit
        return true
    }

    private mutating func widen(to number: Int) {
        let wider = max(words * 2, number / 64 + 1)
        var copy = [UInt64](repeating: 0, count: rooms * members * wider)
        for connection in 0..<rooms * members {
            for word in 0..<words { copy[connection * wider + word] = seen[connection * words + word] }
        }
        (seen, words) = (copy, wider)
    }
}
