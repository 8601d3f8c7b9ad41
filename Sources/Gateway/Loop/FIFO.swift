/// First in, first out, in amortised O(1); what was taken out is released at once.
struct FIFO<Element> {
    private var storage: [Element?] = []
    private var head = 0

    var count: Int { storage.count - head }
    var isEmpty: Bool { head == storage.count }

    mutating func append(_ element: Element) {
        // A queue that is never empty must not grow with what has passed through it.
        if head >= 64, head * 2 >= storage.count {
            storage.removeFirst(head)
            head = 0
        }
        storage.append(element)
    }

    mutating func popFirst() -> Element? {
        guard head < storage.count else { return nil }
        let element = storage[head].take()
        head += 1
        if head == storage.count { removeAll() }
        return element
    }

    mutating func removeAll() {
        storage.removeAll(keepingCapacity: storage.capacity <= 4096)
        head = 0
    }

    /// O(n).
    mutating func removeAll(where isRemoved: (Element) -> Bool) {
        storage = storage[head...].filter { !isRemoved($0!) }
        head = 0
    }
}
