import ChatModel
import ChatStore

/// What the table says of a connection, and said.
final class ConnectionTruth {
    let id: String
    let tenant: String
    let user: String
    let openedOrder: Int
    let openedTime: Int64
    let connectedAt: Int64
    /// Seconds since the epoch.
    var expiresAt: Int64
    var tokenExpiresAt: Int64 { didSet { tokenEnds.insert(tokenExpiresAt) } }
    /// Every end that a token of it ever had.
    private(set) var tokenEnds: Set<Int64>
    var ended: String?
    /// The commit that ended it, or deleted it.
    var endedOrder: Int?
    var endedTime: Int64?
    var isDeleted = false
    /// Rooms it is a member of, by partition.
    var rooms: Set<String> = []
    /// Minutes in which the wheel has a row of it.
    var wheel: Set<Int64> = []
    /// The commit that last wrote or deleted one of them.
    var wheelOrder = 0
    /// Changes of its lease: when, the end from then on, in seconds, and the last frame that it knows of, in milliseconds.
    var leases: [(time: Int64, end: Int64, seen: Int64)]

    init(_ item: Item, order: Int, time: Int64) {
        id = item.string("connectionId") ?? ""
        tenant = item.string("tenantId") ?? ""
        user = item.string("userId") ?? ""
        connectedAt = item.number("connectedAt") ?? 0
        expiresAt = item.number("expiresAt") ?? 0
        tokenExpiresAt = item.number("tokenExpiresAt") ?? 0
        tokenEnds = [tokenExpiresAt]
        openedOrder = order
        openedTime = time
        leases = [(time, expiresAt, item.number("lastSeen") ?? 0)]
    }

    /// What its `lastSeen` was at any moment between, at least and at most.
    func seen(from start: Int64, to end: Int64) -> ClosedRange<Int64> {
        var (least, most) = (leases[0].seen, leases[0].seen)
        for change in leases.dropFirst() where change.time <= end {
            if change.time < start { (least, most) = (change.seen, change.seen) }
            (least, most) = (min(least, change.seen), max(most, change.seen))
        }
        return least...most
    }

    /// Whether it was neither ended nor expired at any moment between.
    func isLive(from start: Int64, to end: Int64) -> Bool {
        guard openedTime <= start, endedTime.map({ $0 > end }) ?? true else { return false }
        // What it was at each moment, the lease counts that was the last before.
        var lease = leases[0].end
        for change in leases {
            if change.time > start, lease * 1000 <= InstanceClock.start.milliseconds + min(change.time, end) { return false }
            if change.time > end { return true }
            lease = change.end
        }
        return lease * 1000 > InstanceClock.start.milliseconds + end
    }

    /// Whether it was neither ended nor expired at some moment between.
    func wasLive(from start: Int64, to end: Int64) -> Bool {
        guard openedTime <= end, endedTime.map({ $0 >= start }) ?? true else { return false }
        let longest = leases.filter { $0.time <= end }.map(\.end).max() ?? 0
        return longest * 1000 > InstanceClock.start.milliseconds + start
    }
}

/// A change of presence, as it was decided.
final class Decision {
    let room: String
    let user: String
    let version: Int64
    let isJoin: Bool
    let reason: String?
    let order: Int
    let time: Int64
    let invocation: Invocation?
    /// The connections whose coming or going it is: those that were in before, or are now.
    var causes: Set<String> = []
    var publishers: [Invocation] = []
    /// Connections that were tried.
    var tried: Set<String> = []
    /// Members that had to be told: those of the moment, but whoever came or went.
    var audience: [String: Int] = [:]
    /// Whether it was judged.
    var isSettled = false

    init(room: String, user: String, version: Int64, isJoin: Bool, reason: String?, order: Int, time: Int64, invocation: Invocation?) {
        self.room = room
        self.user = user
        self.version = version
        self.isJoin = isJoin
        self.reason = reason
        self.order = order
        self.time = time
        self.invocation = invocation
    }
}

/// Users' presence in a room.
struct PresenceTruth {
    var connections: Set<String> = []
    var version: Int64 = 0
    /// Whether the last change of it is marked as one to be told.
    var isPending = false
    /// The last one.
    var decision: Decision?
    /// Since which commit the user is in, or out.
    var since = 0
}

struct RoomTruth {
    /// Connections, and the commit by which each came.
    var members: [String: Int] = [:]
    /// The commit by which each went, of those who are no members.
    var left: [String: Int] = [:]
    var users: [String: PresenceTruth] = [:]
}

final class MessageTruth {
    let partition: String
    let seq: Int64
    let id: String
    let body: String
    let sender: String
    let order: Int
    let time: Int64
    let expiresAt: Int64?
    var isDeleted = false
    var tried: Set<String> = []
    /// Who fanned it out, and the connection that sent it.
    var publisher: Invocation?

    init(_ item: Item, order: Int, time: Int64) {
        partition = item.key.pk
        seq = item.number("seq") ?? 0
        id = item.string("messageId") ?? ""
        body = item.string("body") ?? ""
        sender = item.string("senderId") ?? ""
        expiresAt = item.number("expiresAt")
        self.order = order
        self.time = time
    }
}

struct StreamTruth {
    var epoch: String?
    /// Message `seq` is at `seq - 1`.
    var messages: [MessageTruth] = []

    /// The newest seq when so many commits had been made.
    func seq(at order: Int) -> Int64 {
        var count = messages.count
        while count > 0, messages[count - 1].order > order { count -= 1 }
        return Int64(count)
    }
}
