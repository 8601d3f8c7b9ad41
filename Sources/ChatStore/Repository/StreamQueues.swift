import ChatModel
import Synchronization

/// A draft on its way into a stream, with the name and time it got when it was handed in.
struct Submission: Sendable {
    var draft: Draft
    var messageID: String
    var sentAt: Timestamp
}

/// Brings those together who append to one stream at the same time in this process, so that a busy room never conflicts
/// with itself and an idle one waits for nothing.
///
/// One of them leads: it knows the head and writes. Where the table applies writes in the order in which they are
/// submitted, those who come while it writes follow: each takes the next seq and submits its own write behind, without
/// reading or waiting. Otherwise, and when a write in flight has failed, so that the seqs behind it are void, they
/// wait, until nothing is in flight; then one of them leads and writes for all who wait.
final class StreamQueues: Sendable {
    /// What an append is to do.
    enum Entry: Equatable, Sendable {
        /// Write; then call ``leave(_:)``.
        case lead
        /// Write this seq behind the one before; then call ``leave(_:)``, after ``void(_:)`` if it failed.
        case follow(Int64)
        /// Call ``wait(_:_:)``.
        case wait
    }

    /// What a submission is told when its wait is over.
    enum Turn: Sendable {
        /// Write these, this submission first, and tell the others; then call ``leave(_:)``.
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

    /// The writes under way to one stream.
    private struct Line {
        /// The leader's and its followers'.
        var inFlight = 1
        /// The seq that the last write in flight gives; nil while it is not known, or void.
        var predicted: Int64?
        /// While somebody waits nobody follows, so that the wait ends.
        var waiting: [Waiter] = []
    }

    /// Submissions written together: their actions fit into one transaction.
    static let most = (TableRules.transactActions - 1) / 2

    /// Per partition; no entry where nobody writes.
    private let lines = Mutex<[String: Line]>([:])

    /// Whether somebody writes or waits.
    func isBusy(_ partition: String) -> Bool { lines.withLock { $0[partition] != nil } }

    func enter(_ partition: String) -> Entry {
        lines.withLock { lines in
            guard let line = lines[partition] else {
                lines[partition] = Line()
                return .lead
            }
            guard let predicted = line.predicted, line.waiting.isEmpty else { return .wait }
            lines[partition]?.predicted = predicted + 1
            lines[partition]?.inFlight += 1
            return .follow(predicted + 1)
        }
    }

    /// The leader is about to write messages up to this seq: others may follow.
    func predict(_ partition: String, _ seq: Int64) {
        lines.withLock { $0[partition]?.predicted = seq }
    }

    /// A write has failed: nobody follows until those in flight have ended.
    func void(_ partition: String) {
        lines.withLock { $0[partition]?.predicted = nil }
    }

    /// Waits until nothing is in flight. If that is so already the submission leads at once.
    func wait(_ submission: Submission, _ partition: String) async -> Turn {
        await withCheckedContinuation { continuation in
            let isFirst = lines.withLock { lines -> Bool in
                guard lines[partition] != nil else {
                    lines[partition] = Line()
                    return true
                }
                lines[partition]?.waiting.append(Waiter(submission: submission, continuation: continuation))
                return false
            }
            if isFirst { continuation.resume(returning: .lead([])) }
        }
    }

    /// Ends a write. After the last one in flight the first who waits leads, for all who wait and fit.
    func leave(_ partition: String) {
        let next = lines.withLock { lines -> [Waiter] in
            guard let line = lines[partition] else { preconditionFailure("a write ended twice") }
            guard line.inFlight == 1 else {
                lines[partition]?.inFlight -= 1
                return []
            }
            let next = Array(line.waiting.prefix(StreamQueues.most))
            lines[partition] = next.isEmpty ? nil : Line(waiting: Array(line.waiting.dropFirst(next.count)))
            return next
        }
        next.first?.continuation.resume(returning: .lead(Array(next.dropFirst())))
    }
}
