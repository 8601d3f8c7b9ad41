import ChatModel

/// What DynamoDB refuses, for engines that would not: the embedded ones call these first.
/// Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
public enum TableRules {
    public static let partitionKeyBytes = 2048
    public static let sortKeyBytes = 1024
    public static let itemBytes = 400 * 1024
    public static let transactActions = 100

    public static func check(_ key: Key) throws(TableError) {
        guard (1...partitionKeyBytes).contains(key.pk.utf8.count) else { throw .invalid("partition key size") }
        guard (1...sortKeyBytes).contains(key.sk.utf8.count) else { throw .invalid("sort key size") }
    }

    public static func check(_ item: Item) throws(TableError) {
        try check(item.key)
        if let key = item.gsi1 { try check(key) }
        if let key = item.gsi2 { try check(key) }
        for member in item.attributes {
            try check(attributeName: member.name)
            if case .strings(let members) = member.value, members.isEmpty { throw .invalid("empty set \(member.name)") }
        }
        guard item.size <= itemBytes else { throw .itemTooLarge }
    }

    public static func check(_ update: Update) throws(TableError) {
        try check(update.key)
        for (place, clause) in update.clauses.enumerated() {
            try check(attributeName: clause.name)
            for earlier in update.clauses[..<place] where earlier.name == clause.name {
                throw .invalid("two clauses for \(clause.name)")
            }
            switch clause {
            case .set(let name, .strings(let members)), .insert(let name, let members), .delete(let name, let members):
                if members.isEmpty { throw .invalid("empty set \(name)") }
            default: break
            }
        }
    }

    public static func check(_ query: Query) throws(TableError) {
        guard !query.pk.isEmpty, query.pk.utf8.count <= partitionKeyBytes else { throw .invalid("partition key size") }
        guard query.index == .table || !query.strong else { throw .invalid("strong read of an index") }
        if let limit = query.limit, limit < 1 { throw .invalid("limit below 1") }
        try check(query.range)
        guard let after = query.after else { return }
        try check(after.key)
        guard (query.index == .table) == (after.index == nil) else { throw .invalid("cursor of another index") }
        let key = after.index ?? after.key
        guard bytesEqual(key.pk, query.pk), query.range.contains(key.sk) else { throw .invalid("cursor outside the query") }
    }

    private static func check(_ range: SortKeyRange) throws(TableError) {
        switch range {
        case .all: break
        case .prefix(let bound), .above(let bound), .below(let bound):
            guard (1...sortKeyBytes).contains(bound.utf8.count) else { throw .invalid("sort key size") }
        case .between(let low, let high):
            for bound in [low, high] {
                guard (1...sortKeyBytes).contains(bound.utf8.count) else { throw .invalid("sort key size") }
            }
            guard !bytesPrecede(high, low) else { throw .invalid("between with its bounds reversed") }
        }
    }

    /// Fields of an item, of two letters or six.
    private static let keyNames: Set<String> = ["PK", "SK", "GSI1PK", "GSI1SK", "GSI2PK", "GSI2SK"]

    private static func check(attributeName name: String) throws(TableError) {
        switch name.utf8.count {
        case 0: throw .invalid("attribute name \(name)")
        case 2, 6: if keyNames.contains(name) { throw .invalid("attribute name \(name)") }
        default: break
        }
    }

    public static func check(_ writes: [BatchWrite]) throws(TableError) {
        var keys: Set<Key> = []
        for write in writes {
            guard keys.insert(write.key).inserted else { throw .invalid("one item twice in a batch") }
            switch write {
            case .put(let item): try check(item)
            case .delete(let key): try check(key)
            }
        }
    }

    public static func check(_ actions: [TransactAction]) throws(TableError) {
        guard (1...transactActions).contains(actions.count) else { throw .invalid("\(actions.count) actions") }
        guard !hasDuplicates(actions.map(\.key)) else { throw .invalid("one item twice in a transaction") }
        for action in actions {
            switch action {
            case .put(let item, _): try check(item)
            case .update(let update): try check(update)
            case .delete(let key, _), .check(let key, _): try check(key)
            }
        }
    }

    /// Whether a key occurs twice. Comparing each with each is quicker for the few that most transactions have.
    static func hasDuplicates(_ keys: [Key]) -> Bool {
        guard keys.count <= 16 else { return Set(keys).count < keys.count }
        return keys.indices.contains { place in keys[..<place].contains { $0 == keys[place] } }
    }
}
