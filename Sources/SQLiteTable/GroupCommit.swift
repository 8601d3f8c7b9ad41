import ChatStore
import Synchronization

/// Many requests in one transaction: done, committed, told to the change feed, answered, in this order.
///
/// Used by the writer's thread alone.
struct GroupCommit {
    private let rows: ItemRows
    private let onCommit: (@Sendable ([ItemChange]) -> Void)?

    init(_ connection: SQLiteConnection, onCommit: (@Sendable ([ItemChange]) -> Void)?) {
        rows = ItemRows(connection: connection)
        self.onCommit = onCommit
    }

    /// If SQLite fails, nothing of the group is written, and each request is tried once more alone, so that one that
    /// cannot be done does not fail its neighbours. Not when the file is busy: each would wait as long again.
    func commit(_ group: [WriteRequest], counting commits: borrowing Atomic<Int>) {
        do {
            let answers = try transaction(group)
            commits.add(1, ordering: .relaxed)
            report(answers)
            for (request, answer) in zip(group, answers) { request.continuation.resume(returning: answer) }
        } catch {
            if group.count > 1, !error.isBusy {
                for request in group { commit([request], counting: commits) }
            } else {
                for request in group { request.continuation.resume(returning: .failure(error.tableError)) }
            }
        }
    }

    /// Moves the log into the database, so that the next start has nothing to recover.
    func checkpoint() {
        // Readers may hold part of the log, which then stays for the next start: nothing is lost.
        try? rows.connection.run("PRAGMA wal_checkpoint(TRUNCATE)")
    }

    private func transaction(_ group: [WriteRequest]) throws(SQLiteFailure) -> [WriteRequest.Answer] {
        do {
            try rows.connection.run("BEGIN IMMEDIATE")
            var answers: [WriteRequest.Answer] = []
            answers.reserveCapacity(group.count)
            for request in group { answers.append(try perform(request)) }
            try rows.connection.run("COMMIT")
            return answers
        } catch {
            rows.connection.rollBack()
            throw error
        }
    }

    /// Judges the whole request before it writes anything, so that refusing it needs no rollback.
    private func perform(_ request: WriteRequest) throws(SQLiteFailure) -> WriteRequest.Answer {
        do {
            let actions = try actions(request.work)
            var before: [Item?] = []
            for action in actions {
                let isNeeded = request.wantsOld || onCommit != nil || action.readsItem
                before.append(isNeeded ? try rows.get(action.key) : nil)
            }
            let changes = try plan(actions, before)
            for (action, change) in zip(actions, changes) { try apply(action, change) }
            return .success(changes)
        } catch {
            switch error {
            case .table(let error): return .failure(error)
            case .sqlite(let failure): throw failure
            }
        }
    }

    private func actions(_ work: WriteRequest.Work) throws(StepError) -> [TransactAction] {
        switch work {
        case .actions(let actions): actions
        case .expiry(let seconds, let limit):
            try rows.expiredKeys(before: seconds, limit: limit).map { .delete($0, if: nil) }
        }
    }

    private func plan(_ actions: [TransactAction], _ before: [Item?]) throws(StepError) -> [ItemChange] {
        do {
            return try WritePlan.changes(of: actions, before: before)
        } catch {
            throw .table(error)
        }
    }

    private func apply(_ action: TransactAction, _ change: ItemChange) throws(StepError) {
        switch action {
        case .check: break
        case .delete(let key, _): try rows.delete(key)
        case .put, .update:
            if let new = change.new, change.old != new { try rows.put(new) }
        }
    }

    private func report(_ answers: [WriteRequest.Answer]) {
        guard let onCommit else { return }
        var changes: [ItemChange] = []
        for case .success(let done) in answers { changes += done.filter { $0.old != $0.new } }
        if !changes.isEmpty { onCommit(changes) }
    }
}
