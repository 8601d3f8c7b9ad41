import ChatStore
import JSONCoding

/// The members that say what a request does: the same in a call of its own and as one action of a transaction.
extension JSONWriter {
    mutating func put(_ item: Item, if condition: Condition?) {
        name("Item")
        self.item(item)
        self.condition(condition)
    }

    mutating func update(_ update: Update) {
        name("Key")
        key(update.key)
        var expressions = Expressions()
        if let text = expressions.update(update.clauses) { member("UpdateExpression", text) }
        self.condition(update.guardedCondition, &expressions)
    }

    mutating func delete(_ key: Key, if condition: Condition?) {
        name("Key")
        self.key(key)
        self.condition(condition)
    }

    /// One action of a transaction, under the name of its kind.
    mutating func action(_ action: TransactAction, table: String) {
        beginObject()
        switch action {
        case .put(let item, let condition):
            beginAction("Put", table)
            put(item, if: condition)
        case .update(let update):
            beginAction("Update", table)
            self.update(update)
        case .delete(let key, let condition):
            beginAction("Delete", table)
            delete(key, if: condition)
        case .check(let key, let condition):
            beginAction("ConditionCheck", table)
            delete(key, if: condition)
        }
        endObject()
        endObject()
    }

    /// One write of a batch.
    mutating func write(_ write: BatchWrite) {
        beginObject()
        switch write {
        case .put(let item):
            name("PutRequest")
            beginObject()
            name("Item")
            self.item(item)
        case .delete(let key):
            name("DeleteRequest")
            beginObject()
            name("Key")
            self.key(key)
        }
        endObject()
        endObject()
    }

    mutating func query(_ query: Query) {
        var expressions = Expressions()
        if let name = query.index.indexName { member("IndexName", name) }
        member("KeyConditionExpression", expressions.keyCondition(query))
        if let wanted = query.wanted { member("ProjectionExpression", expressions.projection(wanted)) }
        expressions.write(to: &self)
        if !query.ascending { member("ScanIndexForward", false) }
        if query.strong { member("ConsistentRead", true) }
        if let limit = query.limit { member("Limit", limit) }
        guard let after = query.after else { return }
        name("ExclusiveStartKey")
        beginObject()
        keyMembers("PK", "SK", after.key)
        if let key = after.index {
            let (pk, sk) = query.index.keyNames
            keyMembers(pk, sk, key)
        }
        endObject()
    }

    private mutating func beginAction(_ kind: String, _ table: String) {
        name(kind)
        beginObject()
        member("TableName", table)
    }

    private mutating func condition(_ condition: Condition?) {
        var expressions = Expressions()
        self.condition(condition, &expressions)
    }

    private mutating func condition(_ condition: Condition?, _ expressions: inout Expressions) {
        if let condition {
            member("ConditionExpression", expressions.condition(condition))
            member("ReturnValuesOnConditionCheckFailure", "ALL_OLD")
        }
        expressions.write(to: &self)
    }
}

extension IndexName {
    /// Nil for the table itself.
    var indexName: String? {
        switch self {
        case .table: nil
        case .gsi1: "GSI1"
        case .gsi2: "GSI2"
        }
    }

    var keyNames: (pk: String, sk: String) {
        switch self {
        case .table: ("PK", "SK")
        case .gsi1: ("GSI1PK", "GSI1SK")
        case .gsi2: ("GSI2PK", "GSI2SK")
        }
    }
}

extension Cursor {
    init(lastEvaluated json: JSONValue, in index: IndexName) throws(TableError) {
        self.init(of: try Item(json), in: index)
        guard index == .table || self.index != nil else {
            throw .broken("Query", "has a LastEvaluatedKey without the index's key")
        }
    }
}
