import CSQLite
import ChatStore

/// What SQLite said when a call failed, and what was being done.
struct SQLiteFailure: Error, Equatable {
    /// The primary result code (https://www.sqlite.org/rescode.html).
    let code: Int32
    let message: String
    /// The statement or the step that failed.
    let context: String

    /// Whether a row was where none may be.
    var isConstraint: Bool { code == SQLITE_CONSTRAINT }

    /// Whether another connection held the write lock for longer than the busy time-out.
    var isBusy: Bool { code == SQLITE_BUSY || code == SQLITE_LOCKED }

    var text: String { "\(message) (SQLite \(code), \(context))" }

    /// As a caller of the table sees it. Nothing was written: the transaction is rolled back.
    var tableError: TableError {
        switch code {
        case SQLITE_BUSY, SQLITE_LOCKED: .throttled
        case SQLITE_FULL: .unavailable("the disk or the database is full: free some space (\(text))")
        case SQLITE_READONLY: .unavailable("the database cannot be written: check the file's permissions (\(text))")
        // Also where a disk that failed was made read-only under the open file, as file systems do.
        case SQLITE_IOERR:
            .unavailable("the disk failed: check its health, its free space and that it is not mounted read-only (\(text))")
        case SQLITE_CORRUPT, SQLITE_NOTADB: .unavailable("the database is damaged: restore it from a copy (\(text))")
        default: .unavailable(text)
        }
    }
}

/// Why a step of a write or a read stopped: by the table's rules, or by SQLite.
enum StepError: Error {
    case table(TableError)
    case sqlite(SQLiteFailure)

    var tableError: TableError {
        switch self {
        case .table(let error): error
        case .sqlite(let failure): failure.tableError
        }
    }
}
