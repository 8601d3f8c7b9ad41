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

        mutating func add(_ other: Report) {
            ended += other.ended
            moved += other.moved
            published += other.published
        }

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
    /// How often a long round notes how far it has come.
    static let progressMinutes: Int64 = 30

    /// Rows looked at together.
    static let atOnce = 32

    private let services: ChatServices
    private let now: Timestamp

    init(_ services: ChatServices) {
        self.services = services
        now = services.clock.now()
    }

    /// Everything due is tried; the first failure is thrown at the end, and the next round begins where it happened.
    func run() async throws(TableError) -> Report {
        var report = Report()
        var failure: TableError?
        let current = Keys.minute(of: now)
        let settled = current - Sweep.settledMinutes
        let swept = try await services.repository.sweptMinute()
        var minute = min(swept ?? current - Sweep.firstLookBack, current)
        services.metrics.add(.sweepLag, Int(current - minute) * 60)
        while minute <= current {
            let due = try await everythingDue(in: minute)
            // A thousand leases that come up together are a thousand times three round trips.
            for step in await due.concurrently(atOnce: Sweep.atOnce, take) {
                report.add(step.report)
                failure = failure ?? step.failure
            }
            minute += 1
            // After an outage there may be more minutes than one invocation has time for.
            if failure == nil, minute < settled, minute % Sweep.progressMinutes == 0 {
                try await services.repository.setSweptMinute(minute)
            }
        }
        if let failure { throw failure }
        if settled > swept ?? 0 { try await services.repository.setSweptMinute(settled) }
        return report
    }

    /// A row of a bucket that has come up.
    private enum Due: Sendable {
        case lease(Candidate)
        case presence(DuePresence)
    }

    private func everythingDue(in minute: Int64) async throws(TableError) -> [Due] {
        let buckets = (0..<Limits.indexShards).map { Bucket(minute: minute, shard: $0) }
        var all: [Due] = []
        for due in await buckets.concurrently(atOnce: Sweep.atOnce, everythingDue) { all += try due.get() }
        return all
    }

    private func everythingDue(in bucket: Bucket) async -> Result<[Due], TableError> {
        do throws(TableError) {
            let leases = try await dueLeases(bucket).map(Due.lease)
            let events = try await services.repository.duePresence(bucket).filter { $0.dueAt <= now }
            return .success(leases + events.map(Due.presence))
        } catch {
            return .failure(error)
        }
    }

    private func take(_ due: Due) async -> (report: Report, failure: TableError?) {
        var report = Report()
        do throws(TableError) {
            switch due {
            case .lease(let candidate): try await look(at: candidate, &report)
            case .presence(let event): try await look(at: event, &report)
            }
            return (report, nil)
        } catch {
            services.log.error("sweep step failed", ["error": "\(error)"])
            return (report, error)
        }
    }

    /// A row of the wheel beside its connection, if that is still there and not ended.
    private struct Candidate: Sendable {
        var lease: DueLease
        var connection: Connection?
    }

    private func dueLeases(_ bucket: Bucket) async throws(TableError) -> [Candidate] {
        let due = try await services.repository.dueLeases(bucket)
        guard !due.isEmpty else { return [] }
        let connections = try await services.repository.connections(due)
        return due.map { lease in
            Candidate(lease: lease, connection: connections[lease.id].flatMap { $0.ended == nil ? $0 : nil })
        }
    }

    private func look(at candidate: Candidate, _ report: inout Report) async throws(TableError) {
        let lease = candidate.lease
        var found = candidate.connection
        // Each round that goes on found it changed since it was read.
        while true {
            guard let connection = found else {
                try await services.broadcaster.clear(lease.id, lease.user, wheelMinute: lease.minute)
                report.ended += 1
                return
            }
            if !connection.isLive(at: now) {
                if try await services.broadcaster.end(lease.id, .expired, .ifExpired(now), wheelMinute: lease.minute) {
                    report.ended += 1
                    return
                }
            } else {
                guard Keys.minute(of: connection.expiresAt) > lease.minute else { return }
                if try await services.repository.moveLease(lease, of: connection) {
                    report.moved += 1
                    return
                }
            }
            found = try await services.repository.connection(lease.id).flatMap { $0.ended == nil ? $0 : nil }
        }
    }

    private func look(at due: DuePresence, _ report: inout Report) async throws(TableError) {
        guard let pending = try await services.repository.unpublished(due) else { return }
        guard await services.broadcaster.publish(pending) else { throw .unavailable("presence not published") }
        report.published += 1
    }
}
