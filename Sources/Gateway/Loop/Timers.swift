/// What is to be done at a later moment: a binary heap by deadline, confined to its loop.
struct Timers {
    /// Names a scheduled action, to cancel it.
    struct Token: Hashable, Sendable { fileprivate let number: UInt64 }

    private struct Entry {
        var deadline: Int64
        /// Equal deadlines fire in the order they were scheduled.
        var number: UInt64

        static func < (a: Entry, b: Entry) -> Bool { (a.deadline, a.number) < (b.deadline, b.number) }
    }

    private var heap: [Entry] = []
    /// An entry whose number is missing here was cancelled.
    private var actions: [UInt64: () -> Void] = [:]
    private var lastNumber: UInt64 = 0

    /// Cost O(log n). `deadline` is in the clock's monotonic nanoseconds.
    mutating func schedule(at deadline: Int64, _ action: @escaping () -> Void) -> Token {
        lastNumber += 1
        actions[lastNumber] = action
        heap.append(Entry(deadline: deadline, number: lastNumber))
        siftUp(heap.count - 1)
        return Token(number: lastNumber)
    }

    /// O(1); a token that has fired is ignored.
    mutating func cancel(_ token: Token) {
        actions[token.number] = nil
        // Connections that end early leave hour-long entries behind: rebuilt before they outnumber the live ones.
        if heap.count > 64, heap.count > 2 * actions.count {
            heap.removeAll { actions[$0.number] == nil }
            heap.sort(by: <)
        }
    }

    /// Until when nothing is to be done; nil: nothing is scheduled.
    mutating func nextDeadline() -> Int64? {
        while let first = heap.first {
            if actions[first.number] != nil { return first.deadline }
            removeFirst()
        }
        return nil
    }

    /// Takes one action whose time has come.
    mutating func takeDue(at now: Int64) -> (() -> Void)? {
        guard let deadline = nextDeadline(), deadline <= now else { return nil }
        let number = heap[0].number
        removeFirst()
        return actions.removeValue(forKey: number)
    }

    private mutating func removeFirst() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child] < heap[least] {
                least = child
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }

    private mutating func siftUp(_ start: Int) {
        var child = start
        while child > 0, heap[child] < heap[(child - 1) / 2] {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }
}
