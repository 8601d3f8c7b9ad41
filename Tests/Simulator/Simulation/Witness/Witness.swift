import ChatModel
import ChatStore

/// Sees every commit, every post and every answer of a run, keeps what they make true, and says which invariant does not hold.
final class Witness {
    let scenario: Scenario
    let executor: SeededExecutor
    let trace: Trace
    /// Commits so far.
    private(set) var order = 0
    private(set) var violation: Violation?

    var connections: [String: ConnectionTruth] = [:]
    var rooms: [String: RoomTruth] = [:]
    var streams: [String: StreamTruth] = [:]
    var messagesByID: [String: MessageTruth] = [:]
    /// Changes of presence that were not judged yet.
    var open: [Decision] = []
    var decisions: [String: Decision] = [:]
    /// Connections of each user, by the user's partition.
    var counted: [String: Set<String>] = [:]
    /// The last second whose tokens are refused, by the user's partition.
    var refusals: [String: Int64] = [:]
    /// The commit by which a kick, by its number, refused tokens; none if they were refused before.
    var refusalOrders: [Int: Int] = [:]
    /// Rows in each bucket of what is due.
    var buckets: [String: Int] = [:]
    /// Rows that remind of presence to be told, by minute.
    var reminders: [Int64: Int] = [:]
    /// Rows that remind of presence to be told: minute and version by their keys, by presence item.
    var due: [Key: [Key: (minute: Int64, version: Int64)]] = [:]
    /// Rows of the wheel that were written before their connection.
    var pendingWheel: [String: Set<Int64>] = [:]
    var sweptMinute: Int64 = 0
    var sayings: [String: Saying] = [:]
    /// Messages told by an event's work.
    var told: [Int: [MessageTruth]] = [:]
    /// Messages to everyone told by an event's work, and who was tried.
    var announcedBy: [Int: String] = [:]
    var announced: [String: Set<String>] = [:]
    /// The newest message of a room posted to a connection.
    var newest: [String: Int64] = [:]
    /// What each event in hand has written to more than its own lease.
    var changed: [Int: String] = [:]
    /// Events that could not post all that the queue gave them.
    var unposted: Set<Int> = []
    /// When sweeps failed.
    var failedSweeps: [Int64] = []
    /// When indexes, and reads that are not strong, had caught up.
    var settlings: [Int64] = []
    /// The newest seq of each stream, as its head says.
    var heads: [String: Int64] = [:]
    var touchedHeads: Set<String> = []
    var socket: (String) -> Socket? = { _ in nil }
    /// Whether something was just touched that others depend on.
    var touched = Touched()

    struct Touched {
        var connections: Set<String> = []
        /// Presence items, by room and user.
        var presence: [(room: String, user: String)] = []
        var invocation: Invocation?
    }

    init(_ scenario: Scenario, _ executor: SeededExecutor, _ trace: Trace) {
        self.scenario = scenario
        self.executor = executor
        self.trace = trace
    }

    var isBroken: Bool { violation != nil }
    var isServer: Bool { scenario.engine == .server }
    /// How long a `clientMessageId` is remembered, as the contract says, in milliseconds.
    static let deduplication: Int64 = 600_000
    /// Milliseconds since the epoch.
    var wallClock: Int64 { InstanceClock.start.milliseconds + executor.now }
    var ghostBound: Int64 { (isServer ? Limits.ghostBoundLocal : Limits.ghostBoundAWS).milliseconds }

    /// The first violation counts; the run ends there.
    func fail(_ invariant: Invariant, _ text: @autoclosure () -> String) {
        guard violation == nil else { return }
        let text = text()
        trace.note { "!!! \(invariant.rawValue): \(text)" }
        violation = Violation(invariant: invariant, text: text, time: executor.now)
    }

    func next() { order += 1 }

    func settled() { settlings.append(executor.now) }

    func meant(_ saying: Saying) { sayings[saying.body] = saying }

    /// Whether a sweep would find anything to do.
    var isAnythingDue: Bool {
        let minute = wallClock / 60_000
        if reminders.contains(where: { $0.key <= minute && $0.value > 0 }) { return true }
        return connections.values.contains { connection in
            connection.wheel.contains { row in
                row <= minute
                    && (connection.isDeleted || connection.ended != nil || connection.expiresAt * 1000 <= wallClock || connection.expiresAt / 60 > row)
            }
        }
    }

    func hasRows(_ partition: String) -> Bool { buckets[partition, default: 0] > 0 }

    /// Ends of sweeps, and of the server, that may keep a leave for a while longer.
    func allowance(since time: Int64) -> Int64 {
        Int64(failedSweeps.count { $0 >= time }) * (isServer ? 15_000 : 110_000)
    }

    func swept(_ invocation: Invocation, isDone: Bool) {
        if isDone { return judgeSweep(invocation) }
        failedSweeps.append(executor.now)
        mustHaveSuffered(invocation, "the sweep fails")
    }

    func mustHaveSuffered(_ invocation: Invocation, _ what: @autoclosure () -> String) {
        // One writer writes for others in the server: what befalls it befalls them.
        if invocation.isClean, !isServer { fail(.rightAnswer, "\(invocation.name): \(what()), and nothing was wrong") }
    }

    // MARK: - Now and then

    /// Looks for what should have happened by now.
    func look() {
        for connection in connections.values where !connection.rooms.isEmpty {
            let end = connection.expiresAt * 1000
            let late = wallClock - end
            if late > ghostBound + allowance(since: executor.now - late) {
                fail(.ghostBound, "\(connection.id) is in \(connection.rooms.sorted()) \(late / 1000) s after its lease")
            }
        }
        for decision in open where executor.now - decision.time > ghostBound + allowance(since: decision.time) {
            judge(decision, "\((executor.now - decision.time) / 1000) s after it was decided")
        }
        open.removeAll { $0.isSettled }
    }
}
