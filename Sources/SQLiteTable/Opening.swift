import CSQLite

/// From a path to connections that are known to be on a table of Muster's.
enum Opening {
    /// The connection that writes. Makes the file and its table if there is none.
    static func writer(_ path: String) throws(SQLiteTableError) -> SQLiteConnection {
        guard SQLiteConnection.libraryVersion >= oldestLibrary else {
            throw .cannotOpen(path, reason: "SQLite 3.37 or newer is needed")
        }
        try DatabaseFile.createIfMissing(path)
        try refuseOthers(path)
        let connection = try describing(path) { () throws(SQLiteFailure) in
            let connection = try SQLiteConnection(path: path, .readWrite)
            try Schema.createIfEmpty(connection)
            return connection
        }
        try marks(of: connection, path).check(path)
        try describing(path) { () throws(SQLiteFailure) in try prepareWriter(connection) }
        // SQLite opens a file that may not be written as one to be read, and says so only at the first write.
        guard connection.isWritable else {
            throw .cannotOpen(path, reason: "it may not be written")
        }
        return connection
    }

    /// A connection that reads what others have committed. The file exists.
    static func reader(_ path: String) throws(SQLiteFailure) -> SQLiteConnection {
        let connection = try SQLiteConnection(path: path, .readOnly)
        try prepareReader(connection)
        return connection
    }

    /// The first reader of a file that this process does not write.
    static func firstReader(_ path: String) throws(SQLiteTableError) -> SQLiteConnection {
        try DatabaseFile.mustBeReadable(path)
        let connection = try describing(path) { () throws(SQLiteFailure) in try reader(path) }
        let marks = try marks(of: connection, path)
        guard !marks.isEmptyFile else { throw .cannotOpen(path, reason: "it is empty: no server has used it yet") }
        try marks.check(path)
        return connection
    }

    /// STRICT tables.
    private static let oldestLibrary: Int32 = 3_037_000

    /// Looks at an existing file through a connection that cannot change it.
    private static func refuseOthers(_ path: String) throws(SQLiteTableError) {
        let marks: Schema.Marks
        do {
            marks = try Schema.Marks(of: try SQLiteConnection(path: path, .readOnly))
        } catch where error.code == SQLITE_READONLY {
            // A crash while the file was made left a journal, which only a writer can roll back: judged after that.
            return
        } catch {
            throw SQLiteTableError(error, path: path)
        }
        if !marks.isEmptyFile { try marks.check(path) }
    }

    private static func prepareWriter(_ connection: SQLiteConnection) throws(SQLiteFailure) {
        let mode = try connection.statement("PRAGMA journal_mode = WAL")
        defer { mode.reset() }
        guard try mode.step(), mode.string(0) == "wal" else {
            throw SQLiteFailure(code: SQLITE_CANTOPEN, message: "no write-ahead log on this file system", context: "opening")
        }
        try connection.run("PRAGMA synchronous = FULL")
        try connection.run("PRAGMA journal_size_limit = 67108864")
        // In pages: 16 MB of log. A checkpoint copies each page once however often the log has it, so four times the usual
        // copies hot pages a quarter as often; and 4,000 is what one segment of the log's index holds.
        try connection.run("PRAGMA wal_autocheckpoint = 4000")
        try prepareReader(connection)
    }

    /// The cache is in KiB. Files are read, not mapped: a disk error is an answer in a read, a signal in a mapping.
    private static func prepareReader(_ connection: SQLiteConnection) throws(SQLiteFailure) {
        try connection.run("PRAGMA temp_store = MEMORY")
        try connection.run("PRAGMA cache_size = -2048")
    }

    private static func marks(of connection: SQLiteConnection, _ path: String) throws(SQLiteTableError) -> Schema.Marks {
        try describing(path) { () throws(SQLiteFailure) in try Schema.Marks(of: connection) }
    }

    private static func describing<Result>(
        _ path: String, _ body: () throws(SQLiteFailure) -> Result
    ) throws(SQLiteTableError) -> Result {
        do {
            return try body()
        } catch {
            throw SQLiteTableError(error, path: path)
        }
    }
}
