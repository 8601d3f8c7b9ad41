import ChatStore
import Synchronization

/// Many requests in one transaction: done, committed, told to the change feed, answered, in this order.
///
/// Used by the writer's thread alone.
final class GroupCommit {
    private let rows: ItemRows
    private let writer: RowWriter
    private let cache: ItemCache?
    private let options: SQLiteTable.Options
    private let onCommit: (@Sendable ([ItemChange]) -> Void)?
    /// Whether a commit waits for the disk, as the connection is set.
    private var isSyncing = true

    init(
        _ connection: SQLiteConnection, options: SQLiteTable.Options, cache: ItemCache?,
        onCommit: (@Sendable ([ItemChange]) -> Void)?
    ) {
        rows = ItemRows(connection: connection)
        writer = RowWriter(connection)
        self.options = options
        self.cache = cache
        self.onCommit = onCommit
    }

    /// If SQLite fails, nothing of the group is written, and each request is tried once more alone, so that one that
    /// cannot be done does not fail its neighbours. Not when the file is busy: each would wait as long again.
    func commit(_ group: [WriteRequest], counting commits: borrowing Atomic<Int>) {
        do {
            let answers = try transaction(group)
            commits.add(1, ordering: .relaxed)
            report(answers)
            answer { for (request, answer) in zip(group, answers) { request.continuation.resume(returning: answer) } }
        } catch {
            if group.count > 1, !error.isBusy {
                for request in group { commit([request], counting: commits) }
            } else {
                answer {
                    for request in group { request.continuation.resume(returning: .failure(error.tableError)) }
                }
            }
        }
    }

    /// Moves the log into the database, so that the next start has nothing to recover.
    func checkpoint() {
        // Readers may hold part of the log, which then stays for the next start: nothing is lost.
        try? rows.connection.run("PRAGMA wal_checkpoint(TRUNCATE)")
    }

    private func answer(_ resume: () -> Void) {
        if let answering = options.answering { answering(resume) } else { resume() }
    }

    /// As quickly as what is known allows, and with care if that turns out wrong.
    private func transaction(_ group: [WriteRequest]) throws(SQLiteFailure) -> [WriteRequest.Answer] {
        do {
            return try transaction(group, isCareful: false)
        } catch where error.isConstraint {
            return try transaction(group, isCareful: true)
        }
    }

    private func transaction(
        _ group: [WriteRequest], isCareful: Bool
    ) throws(SQLiteFailure) -> [WriteRequest.Answer] {
        var plan = GroupPlan(
            rows: rows, writer: writer, cache: cache, hasFeed: onCommit != nil, isCareful: isCareful)
        do {
            try sync(group.contains { $0.work.isDurable(options.isDurable) })
            try rows.connection.run("BEGIN IMMEDIATE")
            var answers: [WriteRequest.Answer] = []
            answers.reserveCapacity(group.count)
            for request in group { answers.append(try plan.perform(request)) }
            try plan.flush()
            let written = plan.written
            cache?.beginCommit(of: written.lazy.map(\.key))
            try rows.connection.run("COMMIT")
            cache?.endCommit(of: written.lazy.compactMap(\.current))
            return answers
        } catch {
            rows.connection.rollBack()
            throw error
        }
    }

    /// Whether the next commit waits until the log is on the disk. One that does not is still whole, comes after those
    /// before it, and is on the disk when a later one that waits is: the log is one file, synced from its start.
    private func sync(_ isNeeded: Bool) throws(SQLiteFailure) {
        guard isNeeded != isSyncing else { return }
        // SQLite does this while it prepares the statement, so that a cached one would do nothing.
        try rows.connection.script(isNeeded ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL")
        isSyncing = isNeeded
    }

    private func report(_ answers: [WriteRequest.Answer]) {
        guard let onCommit else { return }
        var changes: [ItemChange] = []
        for case .success(let done) in answers {
            for change in done where change.old != change.new { changes.append(change) }
        }
        if !changes.isEmpty { onCommit(changes) }
    }
}

extension WriteRequest.Work {
    /// Whether what it writes must be on the disk before it is answered.
    fileprivate func isDurable(_ isDurable: (@Sendable (TransactAction) -> Bool)?) -> Bool {
        guard let isDurable else { return true }
        switch self {
        case .actions(let actions):
            return actions.contains { action in
                if case .check = action { false } else { isDurable(action) }
            }
        // What has expired counts as gone already, deleted or not.
        case .expiry: return false
        }
    }
}
