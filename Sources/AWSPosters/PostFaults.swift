import AWSClient
import ChatModel
import Logs

/// Why posts of one fan-out failed, counted by kind: a room of a thousand makes one line of each, not a thousand.
struct PostFaults: Sendable {
    private struct Kind: Sendable {
        var count: Int
        var example: ConnectionID
        var error: AWSError
    }

    private var kinds: [String: Kind] = [:]

    mutating func note(_ error: AWSError, _ id: ConnectionID) {
        kinds[error.kind, default: Kind(count: 0, example: id, error: error)].count += 1
    }

    mutating func add(_ others: PostFaults) {
        kinds.merge(others.kinds) { mine, theirs in
            var sum = mine
            sum.count += theirs.count
            return sum
        }
    }

    /// - Parameters:
    ///   - event: what failed.
    ///   - total: how many were tried.
    ///   - bytes: of the frame, which is the cause when it is too large.
    func log(_ event: String, of total: Int, bytes: Int, to log: Log) {
        for (name, kind) in kinds.sorted(by: { $0.key < $1.key }) {
            log.log(
                kind.error.isPassing ? .warning : .error, event,
                [
                    "kind": name, "count": kind.count, "of": total, "frameBytes": bytes, "connectionId": kind.example.text,
                    "error": "\(kind.error)",
                ])
        }
    }
}

extension AWSError {
    /// The fault without what differs from one call to the next.
    fileprivate var kind: String {
        switch self {
        case .refused(let refusal): refusal.code.isEmpty ? "\(refusal.status)" : "\(refusal.status) \(refusal.code)"
        case .unreachable: "unreachable"
        case .timedOut: "timedOut"
        case .noCredentials: "noCredentials"
        }
    }

    /// Whether it is a matter of time; anything else is a fault of ours or of the deployment.
    fileprivate var isPassing: Bool {
        switch self {
        case .refused(let refusal): refusal.status == 429 || refusal.status >= 500
        case .unreachable, .timedOut: true
        case .noCredentials: false
        }
    }
}
