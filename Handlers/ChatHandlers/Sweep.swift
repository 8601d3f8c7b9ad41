import ChatBroadcast
import ChatModel
import ChatStore
import JSONCoding
import Logs

/// One round of the sweep: reads the buckets of the lease wheel that are due, and scans nothing.
struct Sweep: Sendable {
    /// What a round did.
    struct Report: Equatable, Sendable {
        var ended = 0
        var moved = 0
        var published = 0

        func encoded() -> [UInt8] {
            var writer = JSONWriter()
            writer.beginObject()
            writer.member("ended", ended)
            writer.member("moved", moved)
            writer.member("published", published)
            writer.endObject()
            return writer.bytes
        }
    }

    /// How far back the first sweep of a table looks: buckets begin with the first connection, and a schedule with the deployment.
    static let firstLookBack: Int64 = 120
    /// A bucket counts as empty for good this long after its minute: rows are written within it, by clocks that differ.
    static let settledMinutes: Int64 = 2

    private let services: ChatServices
    private let now: Timestamp

    init(_ services: ChatServices) {
        self.services = services
        now = services.clock.now()
    }

    func run() async throws(TableError) -> Report {
        var report = Report()
        let current = Keys.minute(of: now)
        let swept = try await services.repository.sweptMinute()
        var minute = min(swept ?? current - Sweep.firstLookBack, current)
        while minute <= current {
            for shard in 0..<Limits.indexShards {
                try await leases(Bucket(minute: minute, shard: shard), &report)
                try await presence(Bucket(minute: minute, shard: shard), &report)
            }
            minute += 1
        }
        let settled = current - Sweep.settledMinutes
        if settled > swept ?? 0 { try await services.repository.setSweptMinute(settled) }
        return report
    }

    private func leases(_ bucket: Bucket, _ report: inout Report) async throws(TableError) {
        let repository = services.repository
        let due = try await repository.dueLeases(bucket)
        guard !due.isEmpty else { return }
        let connections = try await repository.connections(due)
        for lease in due {
            guard let connection = connections[lease.id], connection.ended == nil else {
                try await services.broadcaster.clear(lease.id, lease.user, wheelMinute: lease.minute)
                report.ended += 1
                continue
            }
            if !connection.isLive(at: now) {
                if try await services.broadcaster.end(lease.id, .expired, .ifExpired(now)) { report.ended += 1 }
                continue
            }
            let minute = Keys.minute(of: connection.expiresAt)
            if minute > lease.minute {
                try await repository.moveLease(lease, to: minute)
                report.moved += 1
            }
        }
    }

    private func presence(_ bucket: Bucket, _ report: inout Report) async throws(TableError) {
        for due in try await services.repository.duePresence(bucket) where due.dueAt <= now {
            guard let pending = try await services.repository.unpublished(due) else { continue }
            await services.broadcaster.publish(pending)
            report.published += 1
        }
    }
}
