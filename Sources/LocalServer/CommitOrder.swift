import ChatBroadcast
import ChatModel
import ChatStore
import Synchronization

/// Lets the frames of a room or conversation leave in the order in which what they tell of was committed.
///
/// The table's change feed announces every message and presence event, on one thread and before the write is answered;
/// each fan-out then waits for those announced before it.
package final class CommitOrder: FanoutOrder {
    private struct Place {
        let entry: FanoutPosition.Entry
        let announced: ContinuousClock.Instant
        var isTaken = false
        /// Usually one; two when the sweep publishes what its handler is still waiting to.
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let queues = Mutex<[String: [Place]]>([:])
    private let now: @Sendable () -> ContinuousClock.Instant

    package init(now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }) { self.now = now }

    /// Takes a place for each message and presence event among the changes of a commit.
    package func announce(_ changes: [ItemChange]) {
        let positions = changes.compactMap(FanoutPosition.init(change:))
        guard !positions.isEmpty else { return }
        let time = now()
        queues.withLock { queues in
            for position in positions {
                queues[position.partition, default: []].append(Place(entry: position.entry, announced: time))
            }
        }
    }

    package func turn(_ position: FanoutPosition) async {
        guard !isFirst(position, elseWaiting: nil) else { return }
        await withCheckedContinuation { continuation in
            if isFirst(position, elseWaiting: continuation) { continuation.resume() }
        }
    }

    /// Takes a place, if it was announced. Whether nobody is before it; if somebody is, `waiter` is resumed later.
    private func isFirst(_ position: FanoutPosition, elseWaiting waiter: CheckedContinuation<Void, Never>?) -> Bool {
        queues.withLock { queues -> Bool in
            guard let queue = queues[position.partition],
                let index = queue.firstIndex(where: { $0.entry == position.entry })
            else { return true }
            queues[position.partition]![index].isTaken = true
            if index == 0 { return true }
            if let waiter { queues[position.partition]![index].waiters.append(waiter) }
            return false
        }
    }

    package func done(_ position: FanoutPosition) {
        let released = queues.withLock { queues -> [CheckedContinuation<Void, Never>] in
            guard let index = queues[position.partition]?.firstIndex(where: { $0.entry == position.entry }) else {
                return []
            }
            let left = queues[position.partition]!.remove(at: index)
            let next = CommitOrder.release(position.partition, &queues)
            return left.waiters.isEmpty ? next : left.waiters + next
        }
        for waiter in released { waiter.resume() }
    }

    /// Gives up places that nobody came to take, so that a fan-out which failed before its turn holds up a room no longer
    /// than `age`.
    package func dropAbandoned(after age: Duration) {
        let time = now()
        let released = queues.withLock { queues -> [CheckedContinuation<Void, Never>] in
            var released: [CheckedContinuation<Void, Never>] = []
            for partition in queues.keys {
                queues[partition]?.removeAll { !$0.isTaken && time - $0.announced > age }
                released += CommitOrder.release(partition, &queues)
            }
            return released
        }
        for waiter in released { waiter.resume() }
    }

    /// Those whose turn it has become.
    private static func release(
        _ partition: String, _ queues: inout [String: [Place]]
    ) -> [CheckedContinuation<Void, Never>] {
        guard let first = queues[partition]?.first else {
            queues[partition] = nil
            return []
        }
        if !first.waiters.isEmpty { queues[partition]![0].waiters = [] }
        return first.waiters
    }
}

extension FanoutPosition {
    /// The place that a change takes: a new message, or a presence event: each raises the version.
    fileprivate init?(change: ItemChange) {
        guard let item = change.new else { return nil }
        if change.old == nil, item.key.sk.utf8.starts(with: "MSG#".utf8), let seq = item.number("seq") {
            self = .message(partition: item.key.pk, seq)
        } else if item.key.sk.utf8.starts(with: "USER#".utf8), item.key.pk.utf8.starts(with: "ROOM#".utf8),
            let version = item.number("version"), version != change.old?.number("version"),
            let user = item.string("userId").flatMap(UserID.init)
        {
            self = .presence(partition: item.key.pk, user, version)
        } else {
            return nil
        }
    }
}
