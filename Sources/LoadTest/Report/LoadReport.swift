/// A run with its circumstances, to be shown as a table, as JSON or as a page.
public struct LoadReport: Sendable {
    /// What the run's own server used.
    public struct Server: Sendable, Equatable {
        /// Seconds of processor time while messages were measured.
        public var processor = 0.0
        /// Bytes in memory before the first connection, with all of them idle, and at most.
        public var residentBefore = 0
        public var residentIdle = 0
        public var residentPeak = 0

        public init() {}
    }

    public var outcome: LoadOutcome
    public var url: String
    /// RFC 3339.
    public var startedAt: String
    public var run: UInt32
    /// Nil for a server that somebody else runs.
    public var server: Server?
    /// Whether deliveries out of order are a fault.
    public var isOrdered = true

    public init(outcome: LoadOutcome, url: String, startedAt: String, run: UInt32) {
        self.outcome = outcome
        self.url = url
        self.startedAt = startedAt
        self.run = run
    }

    public var faults: [String] { outcome.faults(ordered: isOrdered) }

    /// Whether everything came once, in order, and presence was right.
    public var isGood: Bool { faults.isEmpty }

    static let quantiles: [(name: String, share: Double)] = [
        ("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1),
    ]

    var deliveriesPerSecond: Double { outcome.measured > 0 ? Double(outcome.received) / outcome.measured : 0 }
    var messagesPerSecond: Double { outcome.sending > 0 ? Double(outcome.sent) / outcome.sending : 0 }

    /// Microseconds of the server's processor time for each delivery; nil without deliveries.
    var processorPerDelivery: Double? {
        guard let server, outcome.received > 0 else { return nil }
        return server.processor * 1e6 / Double(outcome.received)
    }

    var residentPerConnection: Int? {
        guard let server, outcome.joined > 0, server.residentIdle > 0 else { return nil }
        return max(0, server.residentIdle - server.residentBefore) / outcome.joined
    }

    /// What the reader has to know to trust the figures.
    var remarks: [String] {
        var remarks: [String] = []
        if outcome.lag.quantile(0.99) > 10_000_000 {
            remarks.append(
                "this client sent 1 % of the messages \(Words.duration(outcome.lag.quantile(0.99))) late or more; latencies count from the schedule and include that")
        }
        if outcome.clientLoad > 0.9 {
            remarks.append("this client kept a processor \(Words.percent(outcome.clientLoad)) busy: the limit found may be its own")
        }
        if outcome.presence == nil, outcome.ending == .complete, outcome.plan.members > 1 {
            remarks.append("presence was not judged: the service tells none in these rooms, or connections share users")
        }
        return remarks
    }

    var paceWords: String {
        switch outcome.plan.pacing {
        case .open(let rate): "\(Words.significant(rate)) messages/s in all"
        case .closed(let outstanding): "\(outstanding) messages under way per room"
        }
    }

    /// `reason × count`, the most frequent first.
    static func counts(_ reasons: [String: Int]) -> String {
        reasons.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) × \($0.value)" }.joined(separator: ", ")
    }
}
