import ChatModel
import ChatStore
import Logs
import SQLiteTable
import Synchronization
import TestSupport
import Testing

@testable import LocalServer

/// Contract section 3: messages age out, and a room's numbers go on; what has aged out takes no room for long.
@Suite struct CleanupWorkerTests {
    private struct Failure: Error {}
    private struct StoppedClock: WallClock {
        let time: Timestamp
        func now() -> Timestamp { time }
    }

    private let folder: TemporaryFolder
    private let table: SQLiteTable
    private static let now = Timestamp(seconds: 1_800_000_000)

    init() throws {
        folder = try TemporaryFolder()
        table = try SQLiteTable(path: folder.file("chat.sqlite"))
    }

    private func worker(sweep: @escaping @Sendable () async throws -> Void) -> CleanupWorker {
        CleanupWorker(
            sweep: sweep, table: table, order: CommitOrder(), clock: StoppedClock(time: Self.now), log: Log(sink: { _ in }),
            interval: .seconds(1))
    }

    /// Messages that expired so many seconds ago, each with that number and ten more.
    private func store(_ ages: Range<Int64>) async throws {
        for age in ages {
            let item = Item(Keys.message("ROOM#t#r", age + 10), ["expiresAt": .number((Self.now - Seconds(age)).seconds)])
            try await table.put(item, if: nil)
        }
    }

    private func left() throws -> [Key] {
        try table.keys(inPartitionsFrom: "ROOM#", after: nil, limit: 10_000)
    }

    @Test func `what expired a minute ago goes, in as many batches as it takes, and nothing else`() async throws {
        try await store(-10..<1100)
        try await worker(sweep: {}).round()
        let minute = Limits.ghostBoundLocal.count
        #expect(try left() == (0...minute + 10).map { Keys.message("ROOM#t#r", $0) })
    }

    @Test func `the sweep comes first, and one that fails leaves everything`() async throws {
        try await store(1000..<1001)
        await #expect(throws: Failure.self) { try await worker(sweep: { throw Failure() }).round() }
        #expect(try left().count == 1)
        let seen = Mutex(0)
        try await worker(sweep: { [self] in
            let count = try left().count
            seen.withLock { $0 = count }
        }).round()
        #expect(seen.withLock { $0 } == 1)
        #expect(try left().isEmpty)
    }
}
