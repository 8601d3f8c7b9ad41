import ChatModel

/// A single table with two indexes that speaks DynamoDB's semantics, and no more.
///
/// Nothing above this protocol can tell which engine it runs on. Every method may throw any ``TableError``; after
/// `.throttled` nothing was written, after `.unavailable` a write may have happened or not.
public protocol Table: Sendable {
    /// Whether writes take effect in the order in which they were submitted, so that one may build on another that is
    /// not answered yet. A condition must still say what it builds on: the other may fail. DynamoDB promises no order.
    var appliesInOrder: Bool { get }

    /// Reads one item. Source: GetItem. Cost: one read unit per 4 KB if `strong`, else half.
    func get(_ key: Key, strong: Bool) async throws(TableError) -> Item?

    /// Reads items by key in no particular order, looping over what the engine leaves unprocessed. Absent items are left out.
    /// Any number of keys; a key given twice is answered once. Source: BatchGetItem.
    func get(_ keys: [Key], strong: Bool) async throws(TableError) -> [Item]

    /// Creates or replaces an item if `condition` holds. Source: PutItem. Throws `conditionFailed` with the item that was there.
    func put(_ item: Item, if condition: Condition?) async throws(TableError)

    /// Changes an item. Source: UpdateItem. Throws `conditionFailed` with the item that was there.
    /// - Returns: the item before or after, or nil for `.nothing` (and for `.before` of an item that did not exist).
    func update(_ update: Update, returning: ReturnedImage) async throws(TableError) -> Item?

    /// Deletes an item if `condition` holds; deleting what does not exist succeeds. Source: DeleteItem.
    /// - Returns: the item deleted, or nil if there was none.
    func delete(_ key: Key, if condition: Condition?) async throws(TableError) -> Item?

    /// One page of the items of a partition in sort-key order. Source: Query. A page may be empty and still have a `next`.
    func query(_ query: Query) async throws(TableError) -> Page

    /// Puts and deletes without conditions and without atomicity, looping over what the engine leaves unprocessed.
    /// Any number; no key twice. Source: BatchWriteItem.
    func write(_ writes: [BatchWrite]) async throws(TableError)

    /// Does all or none. Source: TransactWriteItems: at most 100 actions, no item twice.
    /// Throws `transactionFailed` with one outcome per action when a condition failed, `conflict` when another write was in the way.
    func transact(_ actions: [TransactAction]) async throws(TableError)
}

extension Table {
    public var appliesInOrder: Bool { false }
}

public enum ReturnedImage: Sendable { case nothing, before, after }

public enum BatchWrite: Equatable, Sendable {
    case put(Item)
    case delete(Key)

    public var key: Key {
        switch self {
        case .put(let item): item.key
        case .delete(let key): key
        }
    }
}

public enum TransactAction: Equatable, Sendable {
    case put(Item, if: Condition?)
    case update(Update)
    case delete(Key, if: Condition?)
    case check(Key, if: Condition)

    public var key: Key {
        switch self {
        case .put(let item, _): item.key
        case .update(let update): update.key
        case .delete(let key, _), .check(let key, _): key
        }
    }
    public var condition: Condition? {
        switch self {
        case .put(_, let condition), .delete(_, let condition): condition
        case .update(let update): update.condition
        case .check(_, let condition): condition
        }
    }
}

/// What became of one action of a failed transaction.
public enum TransactOutcome: Equatable, Sendable {
    /// Its condition held; it was not done because another's did not.
    case held
    /// Its condition failed on this item (nil: no item).
    case failed(Item?)
}

/// The table itself or one of its two global secondary indexes. Indexes are eventually consistent.
public enum IndexName: Sendable { case table, gsi1, gsi2 }

/// A query of one partition.
public struct Query: Equatable, Sendable {
    public var index: IndexName
    public var pk: String
    public var range: SortKeyRange
    public var ascending: Bool
    /// Strong reads are refused on an index.
    public var strong: Bool
    /// Items in a page at most; the engine may stop earlier (DynamoDB: at 1 MB).
    public var limit: Int?
    /// Where the page before this one ended.
    public var after: Cursor?
    /// What is read of each item beside its primary key; nil: everything. An engine may give more. It costs the same units,
    /// and less to send and to decode.
    public var wanted: [String]?

    public init(
        _ index: IndexName = .table, pk: String, _ range: SortKeyRange = .all, ascending: Bool = true,
        strong: Bool = false, limit: Int? = nil, after: Cursor? = nil, wanted: [String]? = nil
    ) {
        self.index = index
        self.pk = pk
        self.range = range
        self.ascending = ascending
        self.strong = strong
        self.limit = limit
        self.after = after
        self.wanted = wanted
    }
}

/// A condition on the sort key, by UTF-8 bytes.
public enum SortKeyRange: Equatable, Sendable {
    case all
    case prefix(String)
    /// Both bounds included.
    case between(String, String)
    case above(String)
    case below(String)

    public func contains(_ sk: String) -> Bool {
        switch self {
        case .all: true
        case .prefix(let prefix): sk.utf8.starts(with: prefix.utf8)
        case .between(let low, let high): !bytesPrecede(sk, low) && !bytesPrecede(high, sk)
        case .above(let bound): bytesPrecede(bound, sk)
        case .below(let bound): bytesPrecede(sk, bound)
        }
    }
}

/// The last item a page looked at: DynamoDB's `LastEvaluatedKey`.
public struct Cursor: Equatable, Sendable {
    /// The item's primary key.
    public var key: Key
    /// Its key in the queried index, when that is not the table.
    public var index: Key?

    public init(key: Key, index: Key? = nil) {
        self.key = key
        self.index = index
    }

    /// Where a page of this index ends that ends with this item.
    public init(of item: Item, in index: IndexName) {
        key = item.key
        switch index {
        case .table: self.index = nil
        case .gsi1: self.index = item.gsi1
        case .gsi2: self.index = item.gsi2
        }
    }
}

public struct Page: Equatable, Sendable {
    /// From an index: the projected attributes only (all keys, and what never changes).
    public var items: [Item]
    /// Nil when there is no more.
    public var next: Cursor?

    public init(items: [Item], next: Cursor?) {
        self.items = items
        self.next = next
    }
}

/// Everything that can go wrong with a table.
public enum TableError: Error, Equatable, Sendable {
    /// The condition of a single write failed on this item (nil: no item).
    case conditionFailed(Item?)
    case transactionFailed([TransactOutcome])
    /// Another transaction or write held one of the items; nothing was written, trying again is right.
    case conflict
    /// Too many requests; nothing was written.
    case throttled
    /// The engine could not be reached or failed; a write may have happened or not.
    case unavailable(String)
    case itemTooLarge
    /// The request itself is wrong: a bug of the caller.
    case invalid(String)
}

/// What an index carries beside keys: attributes that are written once with their item and never change,
/// so that renewing a lease writes no index.
public enum IndexProjection {
    public static let attributes: Set<String> = ["v", "tenantId", "userId", "connectedAt"]

    /// The item as an index shows it.
    public static func project(_ item: Item) -> Item {
        var projected = item
        projected.attributes = item.attributes.filter { attributes.contains($0.name) }
        return projected
    }
}

/// A committed change of one item, in commit order: what a stream record carries (NEW_AND_OLD_IMAGES).
public struct ItemChange: Equatable, Sendable {
    public var old: Item?
    public var new: Item?

    public init(old: Item?, new: Item?) {
        self.old = old
        self.new = new
    }
}

extension TableError: CustomStringConvertible {
    /// For logs: never an item's contents.
    public var description: String {
        switch self {
        case .conditionFailed: "a condition failed"
        case .transactionFailed: "a transaction's condition failed"
        case .conflict: "another write was in the way"
        case .throttled: "throttled"
        case .unavailable(let reason): "unavailable: \(reason)"
        case .itemTooLarge: "the item is too large"
        case .invalid(let reason): "invalid request: \(reason)"
        }
    }
}
