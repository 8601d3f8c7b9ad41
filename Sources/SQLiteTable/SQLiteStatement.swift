import CSQLite

/// A prepared statement: bound, stepped and reset; finalized with the object.
///
/// It belongs to its connection and is used wherever that is, by one thread at a time.
@safe final class SQLiteStatement {
    private let handle: OpaquePointer
    private let connection: OpaquePointer
    private let sql: String

    /// The connection must outlive the statement.
    init(_ sql: String, on connection: OpaquePointer) throws(SQLiteFailure) {
        var handle: OpaquePointer?
        let code = unsafe sqlite3_prepare_v3(connection, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil)
        guard code == SQLITE_OK, let handle = unsafe handle else {
            throw unsafe SQLiteFailure(code: code, connection: connection, context: sql)
        }
        unsafe self.handle = handle
        unsafe self.connection = connection
        self.sql = sql
    }

    deinit { unsafe sqlite3_finalize(handle) }

    /// Binds the parameter of this index, from 1. The bytes are copied; U+0000 is a byte like any other.
    func bind(_ index: Int32, _ text: String) {
        var text = text
        text.withUTF8 { unsafe bind(index, buffer: $0, copied) }
    }

    /// Binds bytes that compare as text, which may be no UTF-8: the end of a range.
    func bind(_ index: Int32, bytes: [UInt8]) {
        unsafe bytes.withUnsafeBufferPointer { unsafe bind(index, buffer: $0, copied) }
    }

    /// Binds text without a copy. The bytes must stay where they are until the statement is bound anew or let go of; a
    /// statement that is reset without ``reset()`` keeps pointing at them, and must not be stepped before that.
    func bind(_ index: Int32, lending bytes: UnsafeBufferPointer<UInt8>) {
        unsafe bind(index, buffer: bytes, nil)
    }

    func bind(_ index: Int32, _ number: Int64) {
        check(unsafe sqlite3_bind_int64(handle, index, number))
    }

    func bindNull(_ index: Int32) {
        check(unsafe sqlite3_bind_null(handle, index))
    }

    /// Rows that the last insert, update or delete of the connection changed.
    var changedRows: Int32 { unsafe sqlite3_changes(connection) }

    /// Goes to the next row; false when there is none.
    func step() throws(SQLiteFailure) -> Bool {
        switch unsafe sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code: throw unsafe SQLiteFailure(code: code, connection: connection, context: sql)
        }
    }

    /// Makes the statement ready for its next use and lets go of locks and bound bytes.
    func reset() {
        // Its code repeats the last step's error, which has been thrown already.
        unsafe sqlite3_reset(handle)
        unsafe sqlite3_clear_bindings(handle)
    }

    /// As ``reset()``, but what is bound stays bound: for statements whose every parameter is bound before each use.
    func rewind() {
        unsafe sqlite3_reset(handle)
    }

    func isNull(_ column: Int32) -> Bool {
        unsafe sqlite3_column_type(handle, column) == SQLITE_NULL
    }

    func int64(_ column: Int32) -> Int64 {
        unsafe sqlite3_column_int64(handle, column)
    }

    func string(_ column: Int32) -> String {
        unsafe String(decoding: buffer(column), as: UTF8.self)
    }

    /// Lends the column's bytes without a copy.
    func withBytes<Result, Failure: Error>(
        _ column: Int32, _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(unsafe buffer(column).span)
    }

    private func buffer(_ column: Int32) -> UnsafeBufferPointer<UInt8> {
        // Asked for in this order: sqlite3_column_bytes counts what column_text converted.
        let text = unsafe sqlite3_column_text(handle, column)
        return unsafe UnsafeBufferPointer(start: text, count: Int(sqlite3_column_bytes(handle, column)))
    }

    private func bind(
        _ index: Int32, buffer: UnsafeBufferPointer<UInt8>, _ destructor: sqlite3_destructor_type?
    ) {
        // A null pointer would bind NULL, where an empty text is meant.
        let code = unsafe buffer.withMemoryRebound(to: CChar.self) { text in
            unsafe text.baseAddress == nil
                ? sqlite3_bind_text64(handle, index, "", 0, copied, UInt8(SQLITE_UTF8))
                : sqlite3_bind_text64(
                    handle, index, text.baseAddress, UInt64(text.count), destructor, UInt8(SQLITE_UTF8))
        }
        check(code)
    }

    private func check(_ code: Int32) {
        // Binding fails for a wrong index, a statement in use or no memory: none is the world's error.
        precondition(code == SQLITE_OK, "binding failed")
    }
}

/// SQLITE_TRANSIENT, a macro that Swift does not import: SQLite copies what is bound.
private var copied: sqlite3_destructor_type { unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self) }
