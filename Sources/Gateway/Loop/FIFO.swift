/// First in, first out, in amortised O(1); what was taken out is released at once.
struct FIFO<Element> {
    private var storage: [Element?] = []
    private var head = 0
    /// Whether an emptied queue keeps its memory: for the few that are never idle for long.
    private let keepsCapacity: Bool

    init(keepsCapacity: Bool = false) { self.keepsCapacity = keepsCapacity }

    var count: Int { storage.count - head }
    var isEmpty: Bool { head == storage.count }

    /// The element at a place counted from the first.
    subscript(_ index: Int) -> Element { storage[head + index]! }

    var first: Element? { isEmpty ? nil : storage[head] }

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
        storage.removeAll(keepingCapacity: keepsCapacity && storage.capacity <= 4096)
        head = 0
    }

    /// O(n).
    mutating func removeAll(where isRemoved: (Element) -> Bool) {
        storage = storage[head...].filter { !isRemoved($0!) }
        head = 0
    }
}
