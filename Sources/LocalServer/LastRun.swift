import ChatHandlers
import ChatModel
import ChatStore
import Logs
import SQLiteTable

/// A table of this machine, whose partitions have an order.
package protocol OrderedTable: Table {
    /// One page of keys in primary-key order, of partitions whose key starts with `prefix`.
    func keys(inPartitionsFrom prefix: String, after: Key?, limit: Int) throws(TableError) -> [Key]
}

extension SQLiteTable: OrderedTable {}

/// What the last run left: its sockets are gone, so every connection in the file is ended, through the ordinary path,
/// before a new one is accepted.
package struct LastRun: Sendable {
    let table: any OrderedTable
    let services: ChatServices
    let log: Log

    package init(table: any OrderedTable, services: ChatServices, log: Log) {
        self.table = table
        self.services = services
        self.log = log
    }

    private static let page = 1000
    /// Ended at once: their writes are committed together.
    private static let concurrency = 64

    package func end() async throws(TableError) {
        var ended = 0
        var after: Key?
        while true {
            let keys = try table.keys(inPartitionsFrom: "CONN#", after: after, limit: LastRun.page)
            let connections = keys.filter { $0.sk == Keys.meta }.compactMap { ConnectionID.inPartition($0.pk) }
            try await end(connections)
            ended += connections.count
            guard keys.count == LastRun.page else { break }
            after = keys.last
        }
        try await clearWheel()
        if ended > 0 { log.info("last run ended", ["connections": ended]) }
    }

    /// Nobody is left to be told, and nothing is due: the sweep begins now, not where the last run stopped.
    private func clearWheel() async throws(TableError) {
        for prefix in ["LEASE#", "DUE#"] {
            while true {
                let keys = try table.keys(inPartitionsFrom: prefix, after: nil, limit: LastRun.page)
                if keys.isEmpty { break }
                try await table.write(keys.map { .delete($0) })
            }
        }
        try await services.beginSweeps()
    }

    private func end(_ connections: [ConnectionID]) async throws(TableError) {
        let failure = await withTaskGroup(of: TableError?.self) { group in
            var failure: TableError?
            var waiting = connections.makeIterator()
            func add() {
                guard let id = waiting.next() else { return }
                group.addTask {
                    do throws(TableError) {
                        try await services.endAfterCrash(id)
                        return nil
                    } catch {
                        return error
                    }
                }
            }
            for _ in 0..<LastRun.concurrency { add() }
            while let result = await group.next() {
                failure = failure ?? result
                add()
            }
            return failure
        }
        if let failure { throw failure }
    }
}
