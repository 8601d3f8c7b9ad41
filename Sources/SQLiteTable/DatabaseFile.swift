import Glibc

/// The file as the operating system sees it. SQLite opens it itself.
enum DatabaseFile {
    /// Makes an empty file with mode 0600 if there is none; SQLite gives its side files the same mode.
    ///
    /// A file that exists is never opened here: closing any descriptor of it would drop the locks that SQLite holds for
    /// another connection of this process (https://www.sqlite.org/howtocorrupt.html, section 2.2).
    static func createIfMissing(_ path: String) throws(SQLiteTableError) {
        let file = unsafe open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, mode_t(0o600))
        if file >= 0 {
            close(file)
        } else if errno == ENOSPC || errno == EDQUOT {
            throw .noSpace(path, reason: lastError())
        } else if errno != EEXIST {
            throw .cannotOpen(path, reason: lastError())
        }
    }

    static func mustBeReadable(_ path: String) throws(SQLiteTableError) {
        guard unsafe access(path, R_OK) == 0 else { throw .cannotOpen(path, reason: lastError()) }
    }

    private static func lastError() -> String { unsafe String(cString: strerror(errno)) }
}
