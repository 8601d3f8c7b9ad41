import Testing

@testable import LoadTest

/// A service that does what it is told, over a ledger: two rooms of four, 50 messages in each.
struct Traffic {
    static let run: UInt32 = 7
    var ledger = Ledger(rooms: 2, members: 4, run: run, expectedMessages: 100)
    var time: Int64 = 0
    var seq: [Int64] = [0, 0]

    init() {
        ledger.begin(at: 0)
        for connection in 0..<8 { ledger.joined(connection) }
    }

    func stamp(_ room: Int, _ number: Int) -> Stamp {
        Stamp(run: Self.run, room: room, sender: number % 4, number: number, scheduled: time)
    }

    /// Sends a message, acknowledges it a millisecond later and delivers it to whom `reaches` says, in the order it says.
    mutating func say(_ room: Int, _ number: Int, reaches: ((Int) -> [Int])? = nil) {
        let sender = room * 4 + number % 4
        let message = ledger.sends(room: room, number: number, from: number % 4)
        seq[room] += 1
        time += 1_000_000
        ledger.acknowledged(message, scheduled: time, at: time)
        for connection in room * 4..<room * 4 + 4 where connection != sender {
            for _ in 0..<(reaches?(connection).count ?? 1) {
                _ = ledger.delivered(stamp(room, number), seq: seq[room], to: connection, at: time)
            }
        }
    }
}

@Suite struct LedgerTests {
    @Test func `a perfect service loses nothing`() {
        var traffic = Traffic()
        for number in 0..<50 { for room in 0..<2 { traffic.say(room, number) } }
        let tally = traffic.ledger.tally()
        #expect(tally.expected == 300)
        #expect(tally.lost == 0)
        #expect(traffic.ledger.received == 300)
        #expect(traffic.ledger.isSettled)
        #expect(traffic.ledger.duplicated == 0 && traffic.ledger.outOfOrder == 0 && traffic.ledger.foreign == 0)
    }

    @Test func `what is dropped is lost, and what comes twice is a duplicate`() {
        var traffic = Traffic()
        for number in 0..<50 {
            traffic.say(0, number) { connection in
                if number % 10 == 1, connection == 3 { return [] }
                return number % 10 == 4 && connection == 2 ? [1, 1, 1] : [1]
            }
        }
        let tally = traffic.ledger.tally()
        // Member 3 sends numbers 3, 7, 11, …: of 1, 11, 21, 31, 41 it is the receiver of three.
        #expect(tally.lost == 3)
        #expect(tally.expected == 150)
        #expect(traffic.ledger.received == 147)
        // Member 2 sends 2, 6, 10, 14, …: of 4, 14, 24, 34, 44 it gets three, each two times too often.
        #expect(traffic.ledger.duplicated == 6)
        #expect(traffic.ledger.outOfOrder == 0)
        #expect(!traffic.ledger.isSettled)
        traffic.ledger.passWatermark(100)
        #expect(traffic.ledger.overdue == 3)
    }

    @Test func `a message that overtakes another is out of order once`() {
        var traffic = Traffic()
        for number in 0..<4 {
            _ = traffic.ledger.sends(room: 0, number: number, from: 0)
            traffic.ledger.acknowledged(number * 2, scheduled: 0, at: 1)
        }
        for (number, seq) in [(0, 1), (2, 3), (1, 2), (3, 4)] {
            _ = traffic.ledger.delivered(Stamp(run: 7, room: 0, sender: 0, number: number, scheduled: 0), seq: Int64(seq), to: 1, at: 2)
        }
        #expect(traffic.ledger.outOfOrder == 1)
        #expect(traffic.ledger.duplicated == 0)
    }

    @Test func `the sender's own message coming back is a duplicate, unless the service echoes`() {
        for echoes in [false, true] {
            var ledger = Ledger(rooms: 1, members: 2, run: 7, echoes: echoes)
            ledger.begin(at: 0)
            for connection in 0..<2 { ledger.joined(connection) }
            let message = ledger.sends(room: 0, number: 0, from: 0)
            ledger.acknowledged(message, scheduled: nil, at: 1)
            for connection in 0..<2 {
                _ = ledger.delivered(Stamp(run: 7, room: 0, sender: 0, number: 0, scheduled: 0), seq: 1, to: connection, at: 2)
            }
            #expect(ledger.duplicated == (echoes ? 0 : 1))
            #expect(ledger.tally() == (expected: echoes ? 2 : 1, lost: 0))
        }
    }

    @Test func `a message of another room or another run is foreign`() {
        var traffic = Traffic()
        traffic.say(0, 0) { _ in [] }
        _ = traffic.ledger.delivered(traffic.stamp(0, 0), seq: 1, to: 5, at: 1)
        _ = traffic.ledger.delivered(Stamp(run: 8, room: 0, sender: 0, number: 0, scheduled: 0), seq: 1, to: 1, at: 1)
        _ = traffic.ledger.delivered(traffic.stamp(0, 40), seq: 1, to: 1, at: 1)
        #expect(traffic.ledger.foreign == 3)
        #expect(traffic.ledger.received == 0)
    }

    @Test func `a refused message is expected by nobody, an unanswered one is told`() {
        var traffic = Traffic()
        let refused = traffic.ledger.sends(room: 0, number: 0, from: 0)
        traffic.ledger.refused(refused, code: "rate_limited")
        _ = traffic.ledger.sends(room: 0, number: 1, from: 1)
        #expect(traffic.ledger.tally() == (expected: 0, lost: 0))
        #expect(traffic.ledger.refusals == ["rate_limited": 1])
        #expect(traffic.ledger.unanswered == 1)
        #expect(!traffic.ledger.isSettled)
    }

    @Test func `a connection that ended is owed what was acknowledged before, and no more`() {
        var traffic = Traffic()
        traffic.say(0, 0) { $0 == 3 ? [] : [1] }
        traffic.time += 10_000_000
        traffic.ledger.ended(3, at: traffic.time)
        traffic.time += 10_000_000
        traffic.say(0, 1) { $0 == 3 ? [] : [1] }
        let tally = traffic.ledger.tally()
        #expect(tally.expected == 5)
        #expect(tally.lost == 1)
    }

    @Test func `latencies count from the scheduled time`() {
        var traffic = Traffic()
        _ = traffic.ledger.sends(room: 0, number: 0, from: 0)
        traffic.ledger.acknowledged(0, scheduled: 1_000_000, at: 3_000_000)
        _ = traffic.ledger.delivered(Stamp(run: 7, room: 0, sender: 0, number: 0, scheduled: 1_000_000), seq: 1, to: 1, at: 9_000_000)
        let (ack, delivery) = traffic.ledger.takeInterval()
        #expect(ack.max == 2_000_000)
        #expect(delivery.max == 8_000_000)
        #expect(traffic.ledger.takeInterval().delivery.count == 0)
    }

    @Test func `more messages than were foreseen are accounted for`() {
        var traffic = Traffic()
        for number in 0..<5_000 { traffic.say(1, number) }
        #expect(traffic.ledger.tally() == (expected: 15_000, lost: 0))
        #expect(traffic.ledger.duplicated == 0)
    }
}

@Suite struct PresenceLedgerTests {
    /// Members 0, 1, 2 of one room, who ask and join one after the other.
    static func ledger() -> PresenceLedger {
        var ledger = PresenceLedger(rooms: 1, members: 3)
        for member in 0..<3 {
            ledger.asked(member, at: Int64(member * 10 + 1))
            ledger.joined(member, at: Int64(member * 10 + 5))
        }
        return ledger
    }

    @Test func `who was there first hears of every later join once`() {
        var ledger = Self.ledger()
        #expect(ledger.missingJoins == 3)
        ledger.heardJoin(0, of: 1)
        ledger.heardJoin(0, of: 2)
        #expect(ledger.missingJoins == 1)
        ledger.heardJoin(1, of: 2)
        #expect(ledger.missingJoins == 0)
        #expect(ledger.doubledJoins == 0)
        ledger.heardJoin(1, of: 2)
        #expect(ledger.doubledJoins == 1)
    }

    @Test func `of who joined at the same time one may hear or not`() {
        var ledger = PresenceLedger(rooms: 1, members: 2)
        for member in 0..<2 { ledger.asked(member, at: 1) }
        for member in 0..<2 { ledger.joined(member, at: 9) }
        #expect(ledger.missingJoins == 0)
        ledger.heardJoin(0, of: 1)
        #expect(ledger.missingJoins == 0 && ledger.doubledJoins == 0)
    }

    @Test func `the observer hears of every leave once`() {
        var ledger = Self.ledger()
        ledger.left(1)
        ledger.left(2)
        #expect(ledger.missingLeaves == 2)
        ledger.heardLeave(0, of: 1)
        #expect(ledger.missingLeaves == 1)
        ledger.heardLeave(0, of: 2)
        ledger.heardLeave(0, of: 2)
        #expect(ledger.missingLeaves == 0)
        #expect(ledger.doubledLeaves == 1)
        #expect(ledger.falseLeaves == 0)
    }

    @Test func `a leave of somebody who is there is false`() {
        var ledger = Self.ledger()
        ledger.heardLeave(1, of: 2)
        #expect(ledger.falseLeaves == 1)
    }
}
