/// The line that is shown while a load test runs.
public struct Progress: Sendable {
    private let wanted: Int
    private var sent = 0
    private var received = 0
    private var delivery = Histogram()

    public init(wanted: Int) { self.wanted = wanted }

    /// The line for one more second; percentiles are those of the last second that had deliveries.
    public mutating func line(_ second: Second) -> String {
        sent += second.sent
        received += second.received
        if second.delivery.count > 0 { delivery = second.delivery }
        let counts = "\(Words.count(sent)) sent  \(Words.count(received)) delivered (\(Words.count(rate(second)))/s)"
        let latencies = "p50 \(Words.duration(delivery.quantile(0.5)))  p99 \(Words.duration(delivery.quantile(0.99)))"
        let connections = "\(Words.count(second.connections))/\(Words.count(wanted)) connections"
        return switch second.phase {
        case .ramping, .settling, .leaving, .over: "\(second.phase.rawValue)  \(connections)"
        case .measuring, .draining:
            "\(second.phase.rawValue)  \(connections)  \(counts)  \(latencies)  \(Words.count(max(0, second.overdue))) lost"
        }
    }

    private func rate(_ second: Second) -> Double { second.span > 0 ? Double(second.received) / second.span : 0 }
}
