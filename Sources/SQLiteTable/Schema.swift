import CSQLite

/// The file's one table: how it is made and how it is known.
enum Schema {
    /// "MUST", in the header of every file of Muster's.
    static let applicationID: Int64 = 0x4D55_5354
    static let version: Int64 = 1

    /// `schema/sqlite.sql` is this text. The pragmas are part of the transaction that makes the table.
    static let ddl = """
        -- One table for everything, as in DynamoDB. Keys compare by their UTF-8 bytes (BINARY, SQLite's default).
        CREATE TABLE items (
            pk         TEXT NOT NULL,
            sk         TEXT NOT NULL,
            gsi1pk     TEXT,
            gsi1sk     TEXT,
            gsi2pk     TEXT,
            gsi2sk     TEXT,
            expires_at INTEGER,       -- a copy of the attribute expiresAt, in epoch seconds
            attributes TEXT NOT NULL, -- a JSON object: a string is S, an integer is N, an array of strings is SS
            PRIMARY KEY (pk, sk)
        ) STRICT, WITHOUT ROWID;

        CREATE INDEX items_gsi1 ON items (gsi1pk, gsi1sk, pk, sk) WHERE gsi1pk IS NOT NULL;
        CREATE INDEX items_gsi2 ON items (gsi2pk, gsi2sk, pk, sk) WHERE gsi2pk IS NOT NULL;
        CREATE INDEX items_expires_at ON items (expires_at) WHERE expires_at IS NOT NULL;

        PRAGMA application_id = 1297437524; -- "MUST"
        PRAGMA user_version = 1;

        """

    /// What a file says it is.
    struct Marks: Equatable {
        var applicationID: Int64
        var version: Int64
        /// Tables and indexes, whosever they are.
        var objects: Int64

        var isEmptyFile: Bool { self == Marks(applicationID: 0, version: 0, objects: 0) }

        init(applicationID: Int64, version: Int64, objects: Int64) {
            self.applicationID = applicationID
            self.version = version
            self.objects = objects
        }

        init(of connection: SQLiteConnection) throws(SQLiteFailure) {
            applicationID = try connection.number("PRAGMA application_id")
            version = try connection.number("PRAGMA user_version")
            objects = try connection.number("SELECT count(*) FROM sqlite_schema")
        }

        /// Refuses a file of another program or of a newer Muster.
        func check(_ path: String) throws(SQLiteTableError) {
            guard applicationID == Schema.applicationID else { throw .foreignDatabase(path) }
            guard version <= Schema.version else { throw .newerSchema(path, version) }
        }
    }

    /// Makes the table in a file that is still empty. Two processes may try at once: one makes it.
    static func createIfEmpty(_ connection: SQLiteConnection) throws(SQLiteFailure) {
        do {
            try connection.run("BEGIN IMMEDIATE")
            if try Marks(of: connection).isEmptyFile { try connection.script(ddl) }
            try connection.run("COMMIT")
        } catch {
            connection.rollBack()
            throw error
        }
    }
}
