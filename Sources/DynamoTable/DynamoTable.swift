import AWSClient
import ChatStore
import JSONCoding

/// A table of DynamoDB, with the keys, indexes and types of `schema/README.md`.
///
/// **Strong reads** are made exactly where the caller asks for them, and never of an index: the list of who asks, and why,
/// is "Why a read is strong" in `schema/README.md`.
///
/// **What DynamoDB would refuse** is refused before a call, by the rules that every engine shares (``TableRules``).
///
/// **A call that is sent twice.** ``AWSCaller`` sends a request again when its answer was lost, and the first one may have
/// taken effect. What that means:
/// - ``transact(_:)`` carries a token that is the same on every try of one call: DynamoDB does it once, and answers the
///   repetition as it answered the first (for ten minutes). Its outcome is always the call's own.
/// - ``put(_:if:)``, ``update(_:returning:)`` and ``delete(_:if:)`` have no token. With a condition that their own effect
///   makes false, the repetition reports `conditionFailed` with the item *as this very call left it*; without a condition
///   an `ADD` of a number counts twice, and a delete returns nil for what it deleted. So the condition must decide first
///   and last, and whoever must know whether a mark is theirs writes into it something that is theirs alone, and looks for
///   it in the item that `conditionFailed` carries.
/// - Puts and deletes of ``write(_:)`` may be repeated: they end the same.
///
/// After `.throttled` the try that was answered so wrote nothing; one before it whose answer was lost may have. When the last
/// answer leaves it open, or a batch was begun, the error is `.unavailable`.
///
/// Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB.html
public struct DynamoTable: Table {
    let calls: TableCalls
    let backOff: BackOff

    /// - Parameters:
    ///   - caller: sends the requests, signed, and again while that is worth it.
    ///   - name: the table's.
    ///   - region: where the caller looks for it; only said in errors.
    ///   - onCapacity: told what every successful call consumed. DynamoDB is asked to say it only when somebody listens;
    ///     of a refused write it never does, though a failed condition costs as much as a write.
    public init(
        caller: any AWSCaller, name: String, region: String? = nil,
        onCapacity: (@Sendable (ConsumedCapacity) -> Void)? = nil
    ) {
        self.init(caller: caller, name: name, region: region, onCapacity: onCapacity, backOff: BackOff())
    }

    init(
        caller: any AWSCaller, name: String, region: String?, onCapacity: (@Sendable (ConsumedCapacity) -> Void)?,
        backOff: BackOff
    ) {
        calls = TableCalls(caller: caller, name: name, region: region, onCapacity: onCapacity)
        self.backOff = backOff
    }

    public func get(_ key: Key, strong: Bool) async throws(TableError) -> Item? {
        try TableRules.check(key)
        let answer = try await calls.call(.getItem) { json in
            json.name("Key")
            json.key(key)
            if strong { json.member("ConsistentRead", true) }
        }
        return try answer["Item"].map { value throws(TableError) in try Item(value) }
    }

    public func put(_ item: Item, if condition: Condition?) async throws(TableError) {
        try TableRules.check(item)
        _ = try await calls.call(.putItem) { json in
            json.put(item, if: condition)
        }
    }

    public func update(_ update: Update, returning: ReturnedImage) async throws(TableError) -> Item? {
        try TableRules.check(update)
        let answer: JSONObject
        do throws(TableError) {
            answer = try await calls.call(.updateItem) { json in
                json.update(update)
                switch returning {
                case .nothing: break
                case .before: json.member("ReturnValues", "ALL_OLD")
                case .after: json.member("ReturnValues", "ALL_NEW")
                }
            }
        } catch .conditionFailed(let item) {
            throw update.refusal(of: item) ?? .conditionFailed(item)
        }
        guard returning != .nothing else { return nil }
        return try answer.imageOfAttributes()
    }

    public func delete(_ key: Key, if condition: Condition?) async throws(TableError) -> Item? {
        try TableRules.check(key)
        let answer = try await calls.call(.deleteItem) { json in
            json.delete(key, if: condition)
            json.member("ReturnValues", "ALL_OLD")
        }
        return try answer.imageOfAttributes()
    }

    public func query(_ query: Query) async throws(TableError) -> Page {
        try TableRules.check(query)
        let answer = try await calls.call(.query) { $0.query(query) }
        guard let found = answer["Items"]?.array else { throw .broken("Query", "has no Items") }
        var items: [Item] = []
        items.reserveCapacity(found.count)
        for value in found { items.append(try Item(value)) }
        guard let last = answer["LastEvaluatedKey"] else { return Page(items: items, next: nil) }
        return Page(items: items, next: try Cursor(lastEvaluated: last, in: query.index))
    }
}
