import ChatModel

/// Everything Muster stores, one method per access pattern, on any ``Table``.
///
/// Decisions hang on conditions of writes, never on "read, then decide": each loop here reads to know what to try,
/// and the condition says whether it was still so.
public final class ChatRepository: Sendable {
    let table: any Table
    let settings: Settings
    let random: any RandomSource
    /// Whether a presence event is noted with its decision, so that the sweep finds what a handler that died did not
    /// publish.
    let marksPresence: Bool
    /// Waits before the next attempt, once another process was quicker so many times in a row.
    let pause: @Sendable (_ conflicts: Int) async -> Void
    let queues = StreamQueues()

    public init(
        table: any Table, settings: Settings, random: any RandomSource = SystemRandom(), marksPresence: Bool = true,
        pause: @escaping @Sendable (_ conflicts: Int) async -> Void = { _ in }
    ) {
        self.table = table
        self.settings = settings
        self.random = random
        self.marksPresence = marksPresence
        self.pause = pause
    }

    /// When a lease begun now ends: to the nearest second, as the table's TTL counts, and never past the token.
    public func leaseEnd(from now: Timestamp, tokenExpiresAt: Timestamp) -> Timestamp {
        let end = now.milliseconds + settings.presenceTTL.milliseconds
        let rounded = Timestamp(seconds: Timestamp(milliseconds: end + 500).seconds)
        return min(rounded, tokenExpiresAt)
    }

    /// Runs `attempt` again while it says that another writer was quicker.
    func retrying<Value: Sendable>(
        _ what: String, _ attempt: () async throws(TableError) -> Value?
    ) async throws(TableError) -> Value {
        for conflicts in 0..<Limits.conflictAttempts {
            if conflicts > 0 { await pause(conflicts) }
            do throws(TableError) {
                if let value = try await attempt() { return value }
            } catch .conflict {
            }
        }
        throw .unavailable("\(what): too many concurrent writers")
    }

    /// Every item of a query, page by page.
    func items(_ query: Query, _ body: (Item) -> Void) async throws(TableError) {
        var query = query
        repeat {
            let page = try await table.query(query)
            page.items.forEach(body)
            query.after = page.next
        } while query.after != nil
    }
}
