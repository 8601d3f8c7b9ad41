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
        for (name, value) in item.attributes {
            try check(attributeName: name)
            if case .strings(let members) = value, members.isEmpty { throw .invalid("empty set \(name)") }
        }
        guard item.size <= itemBytes else { throw .itemTooLarge }
    }

    public static func check(_ update: Update) throws(TableError) {
        try check(update.key)
        var names: Set<String> = []
        for clause in update.clauses {
            try check(attributeName: clause.name)
            guard names.insert(clause.name).inserted else { throw .invalid("two clauses for \(clause.name)") }
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

    private static func check(attributeName name: String) throws(TableError) {
        guard !name.isEmpty, !["PK", "SK", "GSI1PK", "GSI1SK", "GSI2PK", "GSI2SK"].contains(name) else {
            throw .invalid("attribute name \(name)")
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
        var keys: Set<Key> = []
        for action in actions {
            guard keys.insert(action.key).inserted else { throw .invalid("one item twice in a transaction") }
            switch action {
            case .put(let item, _): try check(item)
            case .update(let update): try check(update)
            case .delete(let key, _), .check(let key, _): try check(key)
            }
        }
    }
}
