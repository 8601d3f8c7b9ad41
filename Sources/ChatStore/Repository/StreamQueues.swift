import ChatModel
import Synchronization

/// A draft on its way into a stream, with the name and time it got when it was handed in.
struct Submission: Sendable {
    var draft: Draft
    var messageID: String
    var sentAt: Timestamp
}

/// Brings those together who append to one stream at the same time in this process: one of them writes for all that came
/// while the write before was under way. So a busy room costs one transaction for many messages and never a conflict
/// with itself, and an idle one waits for nothing.
final class StreamQueues: Sendable {
    /// What a submission is told when its wait is over.
    enum Turn: Sendable {
        /// Write these, this submission first, and tell the others.
        case lead([Waiter])
        /// Another wrote it.
        case done(Result<AppendOutcome, TableError>)
    }

    /// A submission that another one may write.
    struct Waiter: Sendable {
        let submission: Submission
        fileprivate let continuation: CheckedContinuation<Turn, Never>

        func finish(_ result: Result<AppendOutcome, TableError>) { continuation.resume(returning: .done(result)) }
    }

    /// Submissions written together: their actions fit into one transaction.
    static let most = (TableRules.transactActions - 1) / 2

    /// Who waits behind a write under way, per partition; no entry where nobody writes.
    private let waiting = Mutex<[String: [Waiter]]>([:])

    /// Whether nobody writes to the partition: then the caller does, and calls ``leave(_:)`` when it is done.
    func enter(_ partition: String) -> Bool {
        waiting.withLock { waiting in
            guard waiting[partition] == nil else { return false }
            waiting[partition] = []
            return true
        }
    }

    /// Waits behind the write under way. If that has ended meanwhile the submission leads at once.
    func wait(_ submission: Submission, _ partition: String) async -> Turn {
        await withCheckedContinuation { continuation in
            let isFirst = waiting.withLock { waiting -> Bool in
                guard waiting[partition] != nil else {
                    waiting[partition] = []
                    return true
                }
                waiting[partition]?.append(Waiter(submission: submission, continuation: continuation))
                return false
            }
            if isFirst { continuation.resume(returning: .lead([])) }
        }
    }

    /// Ends a write: the first who waits leads the next, for all who wait and fit.
    func leave(_ partition: String) {
        let next = waiting.withLock { waiting -> [Waiter] in
            let next = Array((waiting[partition] ?? []).prefix(StreamQueues.most))
            if next.isEmpty {
                waiting[partition] = nil
            } else {
                waiting[partition]?.removeFirst(next.count)
            }
            return next
        }
        next.first?.continuation.resume(returning: .lead(Array(next.dropFirst())))
    }
}
