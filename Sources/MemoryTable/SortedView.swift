import ChatModel
import ChatStore

/// The items that have a key in the table or in an index, by partition, each partition in sort-key order.
struct SortedView {
    private let index: IndexName
    private var partitions: [PartitionKey: [Item]] = [:]

    init(index: IndexName) {
        self.index = index
    }

    var all: [Item] { partitions.values.flatMap { $0 } }

    /// The item of a primary key. Only of the table's own view. O(log n).
    subscript(_ key: Key) -> Item? {
        guard let rows = partitions[PartitionKey(text: key.pk)] else { return nil }
        let place = rows.firstPlace { !(position($0) < Position(sk: key.sk, key: key)) }
        return place < rows.count && rows[place].key == key ? rows[place] : nil
    }

    /// Takes the old item out and puts the new one in. O(log n) to find, O(n) of its partition to move.
    mutating func apply(_ change: ItemChange) {
        if let old = change.old, let key = self.key(old), change.new.flatMap(self.key) != key {
            remove(old, from: PartitionKey(text: key.pk))
        }
        if let new = change.new, let key = self.key(new) {
            store(new, in: PartitionKey(text: key.pk))
        }
    }

    func page(_ query: Query, pageSize: Int) -> Page {
        let rows = partitions[PartitionKey(text: query.pk)] ?? []
        var first = rows.firstPlace { query.range.isReached(by: position($0).sk) }
        var end = rows.firstPlace { query.range.isPassed(by: position($0).sk) }
        if let after = query.after {
            let cursor = Position(sk: after.index?.sk ?? after.key.sk, key: after.key)
            if query.ascending {
                first = max(first, rows.firstPlace { cursor < position($0) })
            } else {
                end = min(end, rows.firstPlace { !(position($0) < cursor) })
            }
        }
        let found = rows[min(first, end)..<end]
        let bound = min(query.limit ?? pageSize, pageSize)
        let items = query.ascending ? Array(found.prefix(bound)) : found.suffix(bound).reversed()
        return Page(items: items, next: items.count == bound ? items.last.map { Cursor(of: $0, in: index) } : nil)
    }

    private func key(_ item: Item) -> Key? {
        switch index {
        case .table: item.key
        case .gsi1: item.gsi1
        case .gsi2: item.gsi2
        }
    }

    private func position(_ item: Item) -> Position {
        Position(sk: key(item)?.sk ?? "", key: item.key)
    }

    private mutating func store(_ item: Item, in partition: PartitionKey) {
        let place = partitions[partition, default: []].firstPlace { !(position($0) < position(item)) }
        if place < partitions[partition, default: []].count, partitions[partition]?[place].key == item.key {
            partitions[partition]?[place] = item
        } else {
            partitions[partition, default: []].insert(item, at: place)
        }
    }

    private mutating func remove(_ item: Item, from partition: PartitionKey) {
        let place = partitions[partition, default: []].firstPlace { !(position($0) < position(item)) }
        let removed = partitions[partition]?.remove(at: place)
        precondition(removed?.key == item.key, "a view lost an item")
        if partitions[partition]?.isEmpty == true { partitions[partition] = nil }
    }
}

/// A partition key that hashes and compares by its bytes, where `String` would take é and e + U+0301 for one.
private struct PartitionKey: Identifier {
    let text: String
}

/// Where an item stands in its partition: by sort key, and in an index then by primary key.
private struct Position: Comparable {
    var sk: String
    var key: Key

    static func == (a: Position, b: Position) -> Bool { bytesEqual(a.sk, b.sk) && a.key == b.key }
    static func < (a: Position, b: Position) -> Bool {
        bytesEqual(a.sk, b.sk) ? a.key < b.key : bytesPrecede(a.sk, b.sk)
    }
}

extension SortKeyRange {
    /// Whether `sk` is at or past the lower bound.
    fileprivate func isReached(by sk: String) -> Bool {
        switch self {
        case .all, .below: true
        case .prefix(let bound), .between(let bound, _): !bytesPrecede(sk, bound)
        case .above(let bound): bytesPrecede(bound, sk)
        }
    }

    /// Whether `sk` is past the upper bound.
    fileprivate func isPassed(by sk: String) -> Bool {
        switch self {
        case .all, .above: false
        case .prefix(let prefix): bytesPrecede(prefix, sk) && !sk.utf8.starts(with: prefix.utf8)
        case .between(_, let bound): bytesPrecede(bound, sk)
        case .below(let bound): !bytesPrecede(sk, bound)
        }
    }
}

extension [Item] {
    /// The first place where `isPast` holds; it holds for every item after one for which it does. O(log n).
    fileprivate func firstPlace(where isPast: (Item) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = low + (high - low) / 2
            if isPast(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
