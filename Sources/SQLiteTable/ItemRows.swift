import ChatStore

/// Items as rows of one connection: the only place that knows the columns.
///
/// Used by whoever holds the connection, one thread at a time.
struct ItemRows {
    let connection: SQLiteConnection

    func get(_ key: Key) throws(StepError) -> Item? {
        try with(Self.getSQL) { statement throws(StepError) in
            statement.bind(1, key.pk)
            statement.bind(2, key.sk)
            return try step(statement) ? try Self.item(statement, key) : nil
        }
    }

    func contains(_ key: Key) throws(SQLiteFailure) -> Bool {
        let statement = try connection.statement(Self.getSQL)
        defer { statement.reset() }
        statement.bind(1, key.pk)
        statement.bind(2, key.sk)
        return try statement.step()
    }

    /// One snapshot of several items, no key twice; absent ones are left out.
    func get(_ keys: [Key]) throws(StepError) -> [Item] {
        // One statement is a snapshot by itself.
        if keys.count == 1 { return try get(keys[0]).map { [$0] } ?? [] }
        try run("BEGIN")
        // A read transaction has nothing to lose: ending it either way is the same.
        defer { connection.rollBack() }
        var items: [Item] = []
        items.reserveCapacity(keys.count)
        for key in keys {
            if let item = try get(key) { items.append(item) }
        }
        return items
    }

    /// The rows of a partition whose sort keys are in `bounds`, in order, past the cursor.
    func query(_ query: Query, limit: Int) throws(StepError) -> [Item] {
        let bounds = ByteRange(query)
        return try with(Self.sql(query)) { statement throws(StepError) in
            statement.bind(1, query.pk)
            statement.bind(2, bytes: bounds.lower)
            statement.bind(3, bytes: bounds.upper)
            statement.bind(4, Int64(limit))
            if query.index != .table { Self.bind(statement, cursor: query) }
            var items: [Item] = []
            while try step(statement) {
                let item = try Self.item(statement, Key(statement.string(0), statement.string(1)))
                items.append(query.index == .table ? item : IndexProjection.project(item))
            }
            return items
        }
    }

    /// Keys by the whole primary key, in partitions whose key starts with `prefix`.
    func keys(inPartitionsFrom prefix: String, after: Key?, limit: Int) throws(StepError) -> [Key] {
        try with(Self.keysSQL) { statement throws(StepError) in
            statement.bind(1, prefix)
            statement.bind(2, bytes: ByteRange.end(ofPrefix: prefix))
            statement.bind(3, after?.pk ?? "")
            statement.bind(4, after?.sk ?? "")
            statement.bind(5, Int64(limit))
            return try keys(statement)
        }
    }

    /// Keys of items whose `expiresAt` is below `seconds`, oldest first.
    func expiredKeys(before seconds: Int64, limit: Int) throws(StepError) -> [Key] {
        try with(Self.expiredSQL) { statement throws(StepError) in
            statement.bind(1, seconds)
            statement.bind(2, Int64(limit))
            return try keys(statement)
        }
    }

    private func keys(_ statement: SQLiteStatement) throws(StepError) -> [Key] {
        var keys: [Key] = []
        while try step(statement) { keys.append(Key(statement.string(0), statement.string(1))) }
        return keys
    }

    private func with<Result>(
        _ sql: StaticString, _ body: (SQLiteStatement) throws(StepError) -> Result
    ) throws(StepError) -> Result {
        let statement: SQLiteStatement
        do {
            statement = try connection.statement(sql)
        } catch {
            throw .sqlite(error)
        }
        defer { statement.reset() }
        return try body(statement)
    }

    private func run(_ sql: StaticString) throws(StepError) {
        try with(sql) { statement throws(StepError) in _ = try step(statement) }
    }

    private func step(_ statement: SQLiteStatement) throws(StepError) -> Bool {
        do {
            return try statement.step()
        } catch {
            throw .sqlite(error)
        }
    }

    private static func item(_ statement: SQLiteStatement, _ key: Key) throws(StepError) -> Item {
        guard let attributes = statement.withBytes(6, { ItemCodec.decode($0) }) else {
            throw .table(.unavailable("the database is damaged: restore it from a copy (an item's attributes are not readable)"))
        }
        return Item(key, gsi1: indexKey(statement, 2), gsi2: indexKey(statement, 4), attributes)
    }

    private static func indexKey(_ statement: SQLiteStatement, _ column: Int32) -> Key? {
        statement.isNull(column) ? nil : Key(statement.string(column), statement.string(column + 1))
    }

    /// Without a cursor, one before or past every row.
    private static func bind(_ statement: SQLiteStatement, cursor query: Query) {
        let none = query.ascending ? [] : ByteRange.pastAllText
        for (index, text) in [query.after?.index?.sk, query.after?.key.pk, query.after?.key.sk].enumerated() {
            statement.bind(Int32(5 + index), bytes: text.map { Array($0.utf8) } ?? none)
        }
    }
}
