/// What a load test is doing.
public enum Phase: String, Sendable, Equatable {
    case ramping
    /// Everybody is in; what the joins set off is still arriving.
    case settling
    case measuring
    /// Nothing is sent any more; what is under way still arrives.
    case draining
    /// All but one connection of each room close, and that one watches presence.
    case leaving
    case over
}

/// One second of a load test.
public struct Second: Sendable, Equatable {
    public var phase: Phase
    /// Seconds from the run's start to this second's end, and how long it was: less than one where a phase ended it.
    public var time = 0.0
    public var span = 0.0
    /// Open and in their room, now.
    public var connections = 0
    public var sent = 0
    public var acked = 0
    public var refused = 0
    public var received = 0
    /// Deliveries that were due two seconds ago and have not come, now.
    public var overdue = 0
    public var ack = Histogram()
    public var delivery = Histogram()
}

/// What a load test found.
public struct LoadOutcome: Sendable {
    public enum Ending: Sendable, Equatable {
        case complete
        case interrupted
        /// Every connection ended; why the last one did.
        case serverGone(String)
    }

    public struct Presence: Sendable, Equatable {
        public var missingJoins = 0
        public var doubledJoins = 0
        public var missingLeaves = 0
        public var doubledLeaves = 0
        /// Leaves told of members who were there.
        public var falseLeaves = 0
        /// Members that `online` still reported after they had closed.
        public var ghosts = 0

        public init() {}
        public var faults: Int { missingJoins + doubledJoins + missingLeaves + doubledLeaves + falseLeaves + ghosts }
    }

    public var plan: LoadPlan
    public var ending = Ending.complete
    public var wanted = 0
    /// In their room when the ramp was over.
    public var joined = 0
    /// Why connections were not let in, and how many.
    public var failedToConnect: [String: Int] = [:]
    /// Why connections ended before their time, and how many.
    public var dropped: [String: Int] = [:]
    /// From the first packet to the accepted handshake.
    public var connect = Histogram()
    /// From the first packet to the room's first word.
    public var join = Histogram()

    public var sent = 0
    public var acked = 0
    public var refused: [String: Int] = [:]
    public var unanswered = 0
    /// Messages whose room had nobody left to send them.
    public var unsent = 0
    public var expected = 0
    public var received = 0
    public var lost = 0
    public var duplicated = 0
    public var outOfOrder = 0
    public var foreign = 0
    /// Nil where the service tells no presence, or it could not be judged.
    public var presence: Presence?

    /// From the scheduled time, as `delivery`.
    public var ack = Histogram()
    public var delivery = Histogram()
    /// How late this client itself sent what was scheduled.
    public var lag = Histogram()
    public var seconds: [Second] = []
    /// Seconds from the run's start to the first message's time.
    public var firstMessage = 0.0
    /// Seconds from the first message's time to the last delivery, or to the end of the sending.
    public var measured = 0.0
    /// Seconds from the first message's time to the end of the sending.
    public var sending = 0.0
    /// Share of one processor that this client used meanwhile.
    public var clientLoad = 0.0

    init(plan: LoadPlan) {
        self.plan = plan
        wanted = plan.connections
    }

    /// What is wrong, in words; empty for a service that did everything it should.
    public func faults(ordered: Bool = true) -> [String] {
        var faults: [String] = []
        func add(_ count: Int, _ words: String) { if count > 0 { faults.append("\(count) \(words)") } }
        switch ending {
        case .complete: break
        case .interrupted: faults.append("interrupted")
        case .serverGone(let reason): faults.append("the server ended every connection (\(reason))")
        }
        add(failedToConnect.values.reduce(0, +), "connections not let in")
        add(dropped.values.reduce(0, +), "connections dropped")
        add(lost, "deliveries lost")
        add(duplicated, "duplicated")
        if ordered { add(outOfOrder, "out of order") }
        add(foreign, "to the wrong connection")
        add(unanswered, "messages unanswered")
        add(refused.values.reduce(0, +), "messages refused")
        add(unsent, "messages not sent")
        add(presence?.faults ?? 0, "presence faults")
        return faults
    }
}
