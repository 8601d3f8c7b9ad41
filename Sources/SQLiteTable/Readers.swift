import ChatStore
import Synchronization

/// Connections that read, each lent to one caller at a time. The lock is held to lend and to take back, never to read.
final class Readers: Sendable {
    private struct Pool {
        var idle: [SQLiteConnection] = []
        var isClosed = false
    }

    private let path: String
    private let pool: Mutex<Pool>

    /// Idle connections kept; more may be lent at once.
    private static let idleLimit = 16

    init(path: String, first: SQLiteConnection? = nil) {
        self.path = path
        pool = Mutex(Pool(idle: first.map { [$0] } ?? []))
    }

    /// Runs `body` on the caller's thread. It sees what was committed before.
    func read<Result>(_ body: (ItemRows) throws(StepError) -> Result) throws(TableError) -> Result {
        let connection = try take()
        defer { giveBack(connection) }
        do {
            return try body(ItemRows(connection: connection))
        } catch {
            throw error.tableError
        }
    }

    /// Closes idle connections; those that are lent close when they come back.
    func close() {
        let idle = pool.withLock { pool in
            defer { pool = Pool(isClosed: true) }
            return pool.idle
        }
        _ = consume idle
    }

    private func take() throws(TableError) -> SQLiteConnection {
        let idle = try pool.withLock { pool throws(TableError) in
            guard !pool.isClosed else { throw .unavailable("the table is closed") }
            return pool.idle.popLast()
        }
        if let idle { return idle }
        do {
            return try Opening.reader(path)
        } catch {
            throw error.tableError
        }
    }

    private func giveBack(_ connection: SQLiteConnection) {
        pool.withLock { pool in
            if !pool.isClosed, pool.idle.count < Self.idleLimit { pool.idle.append(connection) }
        }
    }
}
