import ChatStore
import JSONCoding

/// Writes rows of one connection.
///
/// A row's bytes are laid side by side in buffers that are used again for the next, and lent to SQLite for the step
/// instead of copied text by text. Used by whoever holds the connection, one thread at a time.
final class RowWriter {
    private let connection: SQLiteConnection
    private var texts: [UInt8] = []
    private var json = JSONWriter(capacity: 1024)

    init(_ connection: SQLiteConnection) {
        self.connection = connection
        texts.reserveCapacity(1024)
    }

    /// Writes an item over whatever is there.
    func put(_ item: Item) throws(SQLiteFailure) { try write(item, ItemRows.putSQL) }

    /// Writes an item where none is; fails with `SQLITE_CONSTRAINT` where one is.
    func insert(_ item: Item) throws(SQLiteFailure) { try write(item, ItemRows.insertSQL) }

    /// Writes an item over `old`, which is there.
    /// - Returns: False if it was not, and nothing is written.
    func replace(_ old: Item, by new: Item) throws(SQLiteFailure) -> Bool {
        guard old.gsi1 == new.gsi1, old.gsi2 == new.gsi2, old.number("expiresAt") == new.number("expiresAt") else {
            try put(new)
            return true
        }
        let statement = try connection.statement(ItemRows.attributesSQL)
        defer { statement.rewind() }
        texts.removeAll(keepingCapacity: true)
        let (pk, sk) = (place(new.key.pk), place(new.key.sk))
        encode(new.attributes)
        return try unsafe texts.withUnsafeBufferPointer { texts throws(SQLiteFailure) in
            try unsafe json.bytes.withUnsafeBufferPointer { json throws(SQLiteFailure) in
                unsafe statement.bind(1, lending: texts.extracting(pk))
                unsafe statement.bind(2, lending: texts.extracting(sk))
                unsafe statement.bind(3, lending: json)
                _ = try statement.step()
                return statement.changedRows == 1
            }
        }
    }

    func delete(_ key: Key) throws(SQLiteFailure) {
        let statement = try connection.statement(ItemRows.deleteSQL)
        defer { statement.rewind() }
        texts.removeAll(keepingCapacity: true)
        let (pk, sk) = (place(key.pk), place(key.sk))
        try unsafe texts.withUnsafeBufferPointer { texts throws(SQLiteFailure) in
            unsafe statement.bind(1, lending: texts.extracting(pk))
            unsafe statement.bind(2, lending: texts.extracting(sk))
            _ = try statement.step()
        }
    }

    /// Runs a statement of all columns, which are bound in the table's order.
    private func write(_ item: Item, _ sql: StaticString) throws(SQLiteFailure) {
        let statement = try connection.statement(sql)
        defer { statement.rewind() }
        texts.removeAll(keepingCapacity: true)
        let places = [
            place(item.key.pk), place(item.key.sk), item.gsi1.map { place($0.pk) }, item.gsi1.map { place($0.sk) },
            item.gsi2.map { place($0.pk) }, item.gsi2.map { place($0.sk) },
        ]
        encode(item.attributes)
        let expiresAt = item.number("expiresAt")
        try unsafe texts.withUnsafeBufferPointer { texts throws(SQLiteFailure) in
            try unsafe json.bytes.withUnsafeBufferPointer { json throws(SQLiteFailure) in
                for (column, place) in places.enumerated() {
                    if let place {
                        unsafe statement.bind(Int32(column + 1), lending: texts.extracting(place))
                    } else {
                        statement.bindNull(Int32(column + 1))
                    }
                }
                if let expiresAt { statement.bind(7, expiresAt) } else { statement.bindNull(7) }
                unsafe statement.bind(8, lending: json)
                _ = try statement.step()
            }
        }
    }

    /// Where the text now lies among ``texts``.
    private func place(_ text: String) -> Range<Int> {
        let start = texts.count
        texts.append(contentsOf: text.utf8)
        return start..<texts.count
    }

    private func encode(_ attributes: Attributes) {
        json.reset()
        ItemCodec.encode(attributes, into: &json)
    }
}
