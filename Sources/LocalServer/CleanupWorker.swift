import ChatModel
import ChatStore
import Logs
import SQLiteTable

/// Sweeps while the server runs, as the one-minute schedule does on AWS, only oftener; and does the table's TTL by the way.
struct CleanupWorker: Sendable {
    let sweep: @Sendable () async throws -> Void
    let table: SQLiteTable
    let order: CommitOrder
    let clock: any WallClock
    let log: Log
    let interval: Duration

    /// Often enough that a leave comes well within ``Limits/ghostBoundLocal``, and more often for short leases.
    static func interval(for settings: Settings) -> Duration {
        .milliseconds(min(5000, max(250, settings.presenceTTL.milliseconds / 4)))
    }

    /// Readers judge by `expiresAt` themselves, so that nothing needs to be deleted late; but a connection is the sweep's to
    /// end, which has done so by the ghost bound.
    static let timeToLiveDelay = Limits.ghostBoundLocal
    private static let timeToLiveBatch = 500

    /// Runs until the task is cancelled. A failed round is logged and the next one takes it up.
    func run() async {
        while !Task.isCancelled {
            do {
                try await round()
            } catch {
                log.error("sweep failed", ["error": "\(error)"])
            }
            order.dropAbandoned(after: .seconds(5))
            try? await Task.sleep(for: interval)
        }
    }

    /// A sweep that fails leaves what has expired for the next round.
    func round() async throws {
        try await sweep()
        try await deleteExpired()
    }

    private func deleteExpired() async throws(TableError) {
        let before = (clock.now() - CleanupWorker.timeToLiveDelay).seconds
        while !Task.isCancelled {
            let deleted = try await table.deleteExpired(before: before, limit: CleanupWorker.timeToLiveBatch)
            if deleted < CleanupWorker.timeToLiveBatch { return }
        }
    }
}
