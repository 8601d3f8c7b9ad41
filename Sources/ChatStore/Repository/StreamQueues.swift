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
/// wait, until nothing is in flight; then one of them leads and writes for all who wait, in the order in which they came
/// first: what one client says without waiting for answers stays in its order, whoever else writes.
final class StreamQueues: Sendable {
    /// What an append is to do.
    enum Entry: Equatable, Sendable {
        /// Write; then call ``leave(_:)``.
        case lead
        /// Write this seq behind the one before; then call ``leave(_:)``, or if it failed ``void(_:)`` and, to try again,
        /// ``fallBack(_:_:_:)`` with this place.
        case follow(Int64, place: Int64)
        /// Call ``wait(_:_:_:)`` with this place.
        case wait(place: Int64)
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
        fileprivate let place: Int64
        fileprivate let continuation: CheckedContinuation<Turn, Never>

        func finish(_ result: Result<AppendOutcome, TableError>) { continuation.resume(returning: .done(result)) }
    }

    /// The writes under way to one stream.
    private struct Line {
        /// The leader's and its followers'.
        var inFlight = 1
        /// The seq that the last write in flight gives; nil while it is not known, or void.
        var predicted: Int64?
        /// By their places. While somebody waits nobody follows, so that the wait ends.
        var waiting: [Waiter] = []

        mutating func add(_ waiter: Waiter) {
            // The newest comes last but for those whose writes failed.
            let later = waiting.lastIndex { $0.place < waiter.place }.map { $0 + 1 } ?? 0
            waiting.insert(waiter, at: later)
        }
    }

    private struct State {
        /// Per partition; no entry where nobody writes.
        var lines: [String: Line] = [:]
        /// How many have come, to all of them.
        var entered: Int64 = 0
    }

    /// Submissions written together: their actions fit into one transaction.
    static let most = (TableRules.transactActions - 1) / 2

    private let state = Mutex(State())

    /// Whether somebody writes or waits.
    func isBusy(_ partition: String) -> Bool { state.withLock { $0.lines[partition] != nil } }

    func enter(_ partition: String) -> Entry {
        state.withLock { state in
            state.entered += 1
            guard let line = state.lines[partition] else {
                state.lines[partition] = Line()
                return .lead
            }
            guard let predicted = line.predicted, line.waiting.isEmpty else { return .wait(place: state.entered) }
            state.lines[partition]?.predicted = predicted + 1
            state.lines[partition]?.inFlight += 1
            return .follow(predicted + 1, place: state.entered)
        }
    }

    /// The leader is about to write messages up to this seq: others may follow.
    func predict(_ partition: String, _ seq: Int64) {
        state.withLock { state in
            // A leader that tries again has followers of its first try, who are to be before those who come now.
            guard state.lines[partition]?.inFlight == 1 else { return }
            state.lines[partition]?.predicted = seq
        }
    }

    /// A write has failed: nobody follows until those in flight have ended.
    func void(_ partition: String) {
        state.withLock { $0.lines[partition]?.predicted = nil }
    }

    /// Waits until nothing is in flight. If that is so already the submission leads at once.
    func wait(_ submission: Submission, _ place: Int64, _ partition: String) async -> Turn {
        await withCheckedContinuation { continuation in
            let waiter = Waiter(submission: submission, place: place, continuation: continuation)
            let isFirst = state.withLock { state -> Bool in
                guard state.lines[partition] != nil else {
                    state.lines[partition] = Line()
                    return true
                }
                state.lines[partition]?.add(waiter)
                return false
            }
            if isFirst { continuation.resume(returning: .lead([])) }
        }
    }

    /// Ends a write that is to be tried again, and waits as ``wait(_:_:_:)`` does: before whoever came after it.
    func fallBack(_ submission: Submission, _ place: Int64, _ partition: String) async -> Turn {
        await withCheckedContinuation { continuation in
            let waiter = Waiter(submission: submission, place: place, continuation: continuation)
            resume(
                state.withLock { state in
                    state.lines[partition]?.add(waiter)
                    return StreamQueues.leave(partition, &state.lines)
                })
        }
    }

    /// Ends a write. After the last one in flight the first who waits leads, for all who wait and fit.
    func leave(_ partition: String) {
        resume(state.withLock { StreamQueues.leave(partition, &$0.lines) })
    }

    /// - Returns: those whose turn it has become.
    private static func leave(_ partition: String, _ lines: inout [String: Line]) -> [Waiter] {
        guard let line = lines[partition] else { preconditionFailure("a write ended twice") }
        guard line.inFlight == 1 else {
            lines[partition]?.inFlight -= 1
            return []
        }
        let next = Array(line.waiting.prefix(StreamQueues.most))
        lines[partition] = next.isEmpty ? nil : Line(waiting: Array(line.waiting.dropFirst(next.count)))
        return next
    }

    private func resume(_ next: [Waiter]) {
        next.first?.continuation.resume(returning: .lead(Array(next.dropFirst())))
    }
}
