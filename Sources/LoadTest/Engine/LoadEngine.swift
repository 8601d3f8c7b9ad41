import Glibc
import HTTPCodec
import WebSocketCodec

/// Opens connections, sends on schedule, and accounts for what comes: one thread, one epoll, any number of connections.
///
/// Use it once: make it, set what it is to call, ``run()``. It speaks through its ``Dialect`` and calls back on the thread
/// that runs it.
@safe public final class LoadEngine {
    /// Told at the beginning of each phase.
    public var atPhase: ((Phase) -> Void)?
    /// Told every second.
    public var everySecond: ((Second) -> Void)?
    /// A descriptor that becomes readable when the run is to end early; the caller keeps it. At the second time it ends at once.
    public var stopDescriptor: CInt?

    let plan: LoadPlan
    let endpoint: Endpoint
    let dialect: any Dialect
    let address: SocketAddress
    let sources: Sources
    let openers: CurlOpeners?
    let arrivals: Arrivals
    let runNumber: UInt32
    var connections: [Connection]
    var poller: Poller
    var masks = MaskSource()
    let buffer: UnsafeMutableRawBufferPointer
    var outcome: LoadOutcome

    var phase = Phase.ramping
    var isInterrupted = false
    /// Connections in each stage that counts.
    var opening = 0
    var open = 0
    var closing = 0
    var nextToOpen = 0
    var rampStart: Int64 = 0
    var phaseStart: Int64 = 0
    var phaseDeadline = Int64.max
    /// What ``isStuck(at:_:)`` was told last, and when that was new.
    var progress = 0
    var lastProgress: Int64 = 0
    var lastArrival: Int64 = 0
    var lastDelivery: Int64 = 0

    var schedule = Schedule(start: 0, perSecond: 0, duration: 0)
    var nextMessage = 0
    /// In a closed loop: the next number of each room, and when each message left.
    var roomNumbers: [Int]
    var sentAt: [Int64] = []

    var heartbeatInterval: Int64?
    var heartbeats = 0
    var heartbeatStart: Int64 = 0

    var runStart: Int64 = 0
    var nextTick: Int64 = 0
    var lastFinish: Int64 = 0
    var second = Second(phase: .ramping)
    var sentBySecond: [Int] = []
    var counted = (sent: 0, acked: 0, refused: 0, received: 0)

    var nextToLeave = 0
    var nextLook: Int64 = 0
    var asked: [Int64]
    var ghosts: [Int]
    var processorStart: Int64 = 0
    /// Why the last connection that ended did.
    var lastReason = ""
    var tellsPresence: Bool

    /// Bytes of a frame at most; no service of chat messages sends more.
    static let maxFrame = 256 * 1024
    static let openingAtOnce = 256
    static let second: Int64 = 1_000_000_000

    /// Resolves the host, looks whether it accepts connections, and makes room for what the plan needs.
    ///
    /// - Parameter run: marks the messages of this run.
    public init(plan: LoadPlan, endpoint: Endpoint, dialect: any Dialect, run: UInt32) throws(LoadError) {
        precondition(plan.bodyBytes >= Stamp.byteCount, "a body has to hold the stamp")
        try Descriptors.require(plan.connections + 100)
        self.plan = plan
        self.endpoint = endpoint
        self.dialect = dialect
        runNumber = run
        openers = endpoint.isSecure
            ? try CurlOpeners(url: endpoint.secureURL, authorities: plan.authorities, timeout: plan.connectTimeout) : nil
        address = try Reachability.firstAddress(endpoint, timeout: plan.connectTimeout)
        sources = try Sources(plan, to: address)
        var messages = 0
        if case .open(let rate) = plan.pacing { messages = Schedule(start: 0, perSecond: rate, duration: plan.duration).count }
        let ledger = Ledger(
            rooms: plan.rooms, members: plan.members, run: run, echoes: dialect.echoes, expectedMessages: messages)
        var isClosed = false
        if case .closed = plan.pacing { isClosed = true }
        arrivals = Arrivals(
            ledger: ledger, presence: PresenceLedger(rooms: plan.rooms, members: plan.members), reportsEverywhere: isClosed)
        connections = (0..<plan.connections).map { Connection(index: $0) }
        roomNumbers = [Int](repeating: 0, count: plan.rooms)
        asked = [Int64](repeating: 0, count: plan.rooms)
        ghosts = [Int](repeating: -1, count: plan.rooms)
        tellsPresence = dialect.tellsPresence
        poller = try Poller()
        unsafe buffer = .allocate(byteCount: 2 * Self.maxFrame, alignment: 16)
        outcome = LoadOutcome(plan: plan)
        arrivals.scheduled = { [unowned self] in self.scheduledTime(of: $0) }
    }

    deinit { unsafe buffer.deallocate() }

    /// Does everything and gives what was found. Throws only when the first connection is not let in; what goes wrong later
    /// is part of the outcome.
    public func run() throws(LoadError) -> LoadOutcome {
        let start = monotonicNow()
        defer { openers?.finish() }
        if let openers { poller.add(openers.descriptor, tag: Tag.openers) }
        if let stopDescriptor { poller.add(stopDescriptor, tag: Tag.stop) }
        (runStart, lastFinish, nextTick) = (start, start, start + Self.second)
        enter(.ramping, at: start)
        while phase != .over {
            let now = monotonicNow()
            advance(now)
            if phase == .ramping, let reason = firstFailure {
                throw .refused(url: endpoint.description, reason: reason)
            }
            let count = poller.wait(until: nextDeadline(now), now: monotonicNow())
            for index in 0..<count { react(poller.event(index)) }
        }
        for connection in connections { connection.transport?.close() }
        return outcome
    }

    /// Descriptors that are no connection's.
    enum Tag {
        static let openers = 1 << 40
        static let stop = 1 << 41
    }

    private func react(_ event: (tag: Int?, reads: Bool, writes: Bool)) {
        switch event.tag {
        case nil: break
        case Tag.openers: takeOpened()
        case Tag.stop: interrupt()
        case let index?:
            let connection = connections[index]
            if event.writes { writable(connection) }
            if event.reads, connection.transport != nil, connection.stage > .connecting { readable(connection) }
        }
    }

    /// Why the very first connection was not let in; later ones are counted.
    private var firstFailure: String? {
        guard connections[0].stage == .ended, outcome.joined == 0 else { return nil }
        return outcome.failedToConnect.first?.key
    }

    func scheduledTime(of message: Int) -> Int64 {
        if case .open = plan.pacing { return schedule.time(of: message) }
        return message < sentAt.count ? sentAt[message] : 0
    }

    /// The connection that opens `order`-th: the first members of all rooms, then the second ones.
    func connection(inOrder order: Int) -> Connection {
        connections[order % plan.rooms * plan.members + order / plan.rooms]
    }
}
