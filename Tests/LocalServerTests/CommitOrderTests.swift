import ChatBroadcast
import ChatModel
import ChatStore
import Synchronization
import Testing

@testable import LocalServer

/// Fan-outs leave in the order of their commits.
@Suite struct CommitOrderTests {
    private let time = TurnedInstant()
    private let order: CommitOrder

    init() { order = CommitOrder(now: { [time] in time.now }) }

    private static func message(_ seq: Int64, _ partition: String = "ROOM#t#r") -> ItemChange {
        ItemChange(old: nil, new: Item(Keys.message(partition, seq), ["seq": .number(seq)]))
    }

    private static func position(_ seq: Int64, _ partition: String = "ROOM#t#r") -> FanoutPosition {
        .message(partition: partition, seq)
    }

    @Test func `turns come in the order announced, whoever asks first`() async {
        order.announce((1...20).map { Self.message($0) })
        let left = Sequence()
        await withTaskGroup(of: Void.self) { group in
            for seq in (1...20).reversed() as [Int64] {
                group.addTask { [order] in
                    await order.turn(Self.position(seq))
                    left.append(seq)
                    order.done(Self.position(seq))
                }
            }
        }
        #expect(left.all == Array(1...20))
    }

    @Test func `the next waits until the one before is done`() async {
        order.announce([Self.message(1), Self.message(2)])
        await order.turn(Self.position(1))
        let left = Sequence()
        let second = Task { [order] in
            await order.turn(Self.position(2))
            left.append(2)
        }
        for _ in 1...100 { await Task.yield() }
        left.append(1)
        order.done(Self.position(1))
        await second.value
        #expect(left.all == [1, 2])
    }

    @Test func `rooms do not wait for one another, nor does what was never announced`() async {
        order.announce([Self.message(1), Self.message(1, "ROOM#t#other")])
        await order.turn(Self.position(1, "ROOM#t#other"))
        await order.turn(Self.position(99))
        await order.turn(Self.position(1, "ROOM#t#unheard"))
        order.done(Self.position(99))
    }

    @Test func `messages and presence events take places, and nothing else does`() async {
        let user = Keys.presence(Room(TenantID("t")!, RoomID("r")!), UserID("a b")!)
        func presence(_ version: Int64, pending: Bool) -> Item {
            var item = Item(user, ["userId": .string("a b"), "version": .number(version)])
            if pending { item["pending"] = .string("join") }
            return item
        }
        let head = Key("ROOM#t#r", "META")
        order.announce([
            ItemChange(old: nil, new: presence(1, pending: true)),
            // A second device, a mark removed, the head raised, a message that ages out: nobody will come for these.
            ItemChange(old: presence(1, pending: true), new: presence(1, pending: true)),
            ItemChange(old: presence(1, pending: true), new: presence(1, pending: false)),
            ItemChange(old: Item(head, ["seq": .number(1)]), new: Item(head, ["seq": .number(2)])),
            ItemChange(old: Self.message(1).new, new: nil),
            Self.message(2),
            ItemChange(old: presence(1, pending: false), new: presence(2, pending: true)),
        ])
        for position in [
            FanoutPosition.presence(partition: "ROOM#t#r", UserID("a b")!, 1), Self.position(2),
            .presence(partition: "ROOM#t#r", UserID("a b")!, 2),
        ] {
            // Would wait for ever behind a place too many.
            await order.turn(position)
            order.done(position)
        }
    }

    @Test func `an abandoned place holds a room up no longer than told`() async {
        order.announce([Self.message(1), Self.message(2), Self.message(3)])
        let left = Sequence()
        let waiting = Task { [order] in
            await order.turn(Self.position(2))
            left.append(2)
            order.done(Self.position(2))
        }
        for _ in 1...100 { await Task.yield() }
        time.advance(.seconds(5))
        order.dropAbandoned(after: .seconds(5))
        for _ in 1...100 { await Task.yield() }
        #expect(left.all == [])
        time.advance(.milliseconds(1))
        order.dropAbandoned(after: .seconds(5))
        await waiting.value
        #expect(left.all == [2])
        // Whoever comes after all waits for nothing.
        await order.turn(Self.position(1))
        order.done(Self.position(1))
        await order.turn(Self.position(3))
    }

    @Test func `a place that is taken is not abandoned`() async {
        order.announce([Self.message(1), Self.message(2)])
        await order.turn(Self.position(1))
        let left = Sequence()
        let second = Task { [order] in
            await order.turn(Self.position(2))
            left.append(2)
        }
        for _ in 1...100 { await Task.yield() }
        time.advance(.seconds(60))
        order.dropAbandoned(after: .seconds(5))
        for _ in 1...100 { await Task.yield() }
        #expect(left.all == [])
        order.done(Self.position(1))
        await second.value
    }

    @Test func `one event told twice at once lets both go`() async {
        order.announce([Self.message(1), Self.message(2)])
        await order.turn(Self.position(1))
        await withTaskGroup(of: Void.self) { group in
            for _ in 1...2 {
                group.addTask { [order] in
                    await order.turn(Self.position(2))
                    order.done(Self.position(2))
                }
            }
            for _ in 1...100 { await Task.yield() }
            order.done(Self.position(1))
        }
    }
}

private final class TurnedInstant: Sendable {
    private let instant = Mutex(ContinuousClock.now)
    var now: ContinuousClock.Instant { instant.withLock { $0 } }
    func advance(_ duration: Duration) { instant.withLock { $0 += duration } }
}

private final class Sequence: Sendable {
    private let seqs = Mutex<[Int64]>([])
    var all: [Int64] { seqs.withLock { $0 } }
    func append(_ seq: Int64) { seqs.withLock { $0.append(seq) } }
}
