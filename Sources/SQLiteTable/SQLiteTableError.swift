import CSQLite

/// Why a database file could not be opened. Its description is one line that says what to do.
public enum SQLiteTableError: Error, Equatable, Sendable {
    /// The file is missing, unreadable, or somewhere it cannot be made; with the reason.
    case cannotOpen(String, reason: String)
    /// The disk has no space for the file or for those that SQLite puts beside it; with the reason.
    case noSpace(String, reason: String)
    case notADatabase(String)
    /// A SQLite database that is not Muster's.
    case foreignDatabase(String)
    /// Written by a newer Muster, with its schema version.
    case newerSchema(String, Int64)
    /// Damaged; with what SQLite found.
    case corrupt(String, reason: String)
    /// Another process held the file's lock for too long.
    case busy(String)

    init(_ failure: SQLiteFailure, path: String) {
        self =
            if failure.isBusy {
                .busy(path)
            } else if failure.code == SQLITE_FULL {
                .noSpace(path, reason: failure.text)
            } else if failure.code == SQLITE_NOTADB {
                .notADatabase(path)
            } else if failure.code == SQLITE_CORRUPT {
                .corrupt(path, reason: failure.text)
            } else {
                .cannotOpen(path, reason: failure.text)
            }
    }
}

extension SQLiteTableError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .cannotOpen(let path, let reason): "cannot open \(path): \(reason); check the path, its permissions and the disk's free space"
        case .noSpace(let path, let reason): "no space for \(path): \(reason); free some, or choose another data folder"
        case .notADatabase(let path): "\(path) is no SQLite database; move it away or choose another data folder"
        case .foreignDatabase(let path):
            "\(path) is another program's SQLite database; move it away or choose another data folder"
        case .newerSchema(let path, let version):
            "\(path) was written by a newer muster (schema \(version)); run that version or choose another data folder"
        case .corrupt(let path, let reason): "\(path) is damaged: \(reason); restore it from a copy"
        case .busy(let path): "\(path) is locked by another process; stop that one or try again"
        }
    }
}
