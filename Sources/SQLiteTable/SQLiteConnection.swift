import CSQLite

/// One connection to a database file and the statements prepared on it; closed with the object.
///
/// `@unchecked Sendable`: opened without SQLite's mutexes and used by one thread at a time. The writer's belongs to its
/// thread, a reader's to the caller that took it from the pool.
@safe final class SQLiteConnection: @unchecked Sendable {
    private let handle: OpaquePointer
    /// By the address of the statement's text, which is a literal.
    private var statements: [UInt: SQLiteStatement] = [:]

    enum Access { case readWrite, readOnly }

    init(path: String, _ access: Access) throws(SQLiteFailure) {
        let flags = access == .readWrite ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY
        // A relative path could be a name that SQLite treats as special, such as ":memory:".
        let file = path.hasPrefix("/") ? path : "./" + path
        var handle: OpaquePointer?
        let code = unsafe sqlite3_open_v2(file, &handle, flags | SQLITE_OPEN_NOMUTEX, nil)
        guard code == SQLITE_OK, let opened = unsafe handle else {
            let failure = unsafe SQLiteFailure(code: code, connection: handle, context: "opening")
            unsafe sqlite3_close_v2(handle)
            throw failure
        }
        unsafe self.handle = opened
        unsafe sqlite3_extended_result_codes(opened, 1)
        waitWhenBusy(milliseconds: 5000)
    }

    deinit {
        statements = [:]
        unsafe sqlite3_close_v2(handle)
    }

    /// Whether the file may be written; SQLite quietly opens one that may not as one to be read.
    var isWritable: Bool { unsafe sqlite3_db_readonly(handle, "main") == 0 }

    /// How long a statement waits for another connection's lock.
    func waitWhenBusy(milliseconds: Int32) {
        unsafe sqlite3_busy_timeout(handle, milliseconds)
    }

    /// The cached statement of this text. The caller resets it after use.
    func statement(_ sql: StaticString) throws(SQLiteFailure) -> SQLiteStatement {
        let address = unsafe UInt(bitPattern: sql.utf8Start)
        if let statement = statements[address] { return statement }
        let statement = try prepare("\(sql)")
        statements[address] = statement
        return statement
    }

    /// A statement that is not cached.
    func prepare(_ sql: String) throws(SQLiteFailure) -> SQLiteStatement {
        unsafe try SQLiteStatement(sql, on: handle)
    }

    /// Runs a statement without parameters or rows of interest.
    func run(_ sql: StaticString) throws(SQLiteFailure) {
        let statement = try statement(sql)
        defer { statement.reset() }
        while try statement.step() {}
    }

    /// Runs several statements once, uncached.
    func script(_ sql: String) throws(SQLiteFailure) {
        let code = unsafe sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else {
            throw unsafe SQLiteFailure(code: code, connection: handle, context: "setting up")
        }
    }

    /// The first column of the first row as a number, or 0.
    func number(_ sql: StaticString) throws(SQLiteFailure) -> Int64 {
        let statement = try statement(sql)
        defer { statement.reset() }
        return try statement.step() ? statement.int64(0) : 0
    }

    /// Undoes the open transaction, if SQLite has not done so itself.
    func rollBack() {
        guard unsafe sqlite3_get_autocommit(handle) == 0 else { return }
        // After an error that rolled back already this fails, which is as good.
        try? run("ROLLBACK")
    }

    static var libraryVersion: Int32 { sqlite3_libversion_number() }
}

extension SQLiteFailure {
    init(code: Int32, connection: OpaquePointer?, context: String) {
        self.init(
            code: code & 0xFF,
            message: unsafe String(cString: connection == nil ? sqlite3_errstr(code) : sqlite3_errmsg(connection)),
            context: context)
    }
}
