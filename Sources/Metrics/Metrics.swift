import Synchronization

/// Counts of what happened since somebody last took them.
public final class Metrics: Sendable {
    private final class Count: Sendable {
        let value = Atomic<Int64>(0)
    }

    private let counts = Metric.allCases.map { _ in Count() }

    public init() {}

    public func add(_ metric: Metric, _ amount: Int = 1) {
        guard amount != 0 else { return }
        counts[metric.place].value.wrappingAdd(Int64(amount), ordering: .relaxed)
    }

    /// What was counted, zeros left out; counting begins anew.
    public func take() -> [(metric: Metric, value: Int64)] {
        zip(Metric.allCases, counts).compactMap { metric, count in
            let value = count.value.exchange(0, ordering: .relaxed)
            return value == 0 ? nil : (metric, value)
        }
    }
}
