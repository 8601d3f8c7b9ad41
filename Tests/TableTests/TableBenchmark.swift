import ChatStore
import Foundation
import SQLiteTable
import TestSupport
import Testing

/// What a durable write and a read cost. Run with
/// `MUSTER_BENCHMARK=1 swift test -c release -Xswiftc -enable-testing --filter TableBenchmark`.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["MUSTER_BENCHMARK"] != nil))
struct TableBenchmark {
    let folder: TemporaryFolder
    let table: SQLiteTable

    init() throws {
        folder = try TemporaryFolder()
        table = try SQLiteTable(path: folder.file("chat.sqlite"))
    }

    static func message(_ number: Int) -> Item {
        Item(
            Key("ROOM#acme#lobby", "MSG#\(10_000_000 + number)"),
            [
                "v": .number(1), "messageId": .string("01JD3X8K7QZ5W9V2T4R6N8M0PA"), "senderId": .string("alice"),
                "body": .string(String(repeating: "hello ", count: 20)), "sentAt": .number(1_763_732_240_123),
            ])
    }

    @Test(arguments: [1, 64, 512]) func `durable puts`(callers: Int) async throws {
        let (table, count) = (table, callers == 1 ? 2000 : 40_000)
        let elapsed = try await ContinuousClock().measure {
            try await withThrowingTaskGroup { group in
                for caller in 0..<callers {
                    group.addTask {
                        for number in stride(from: caller, to: count, by: callers) { try await table.put(Self.message(number), if: nil) }
                    }
                }
                try await group.waitForAll()
            }
        }
        print("puts, \(callers) callers: \(rate(count, elapsed))/s, \(table.commits) commits for \(count)")
    }

    @Test func `reads`() async throws {
        let (table, stored) = (table, 20_000)
        try await table.write((0..<stored).map { .put(Self.message($0)) })
        let gets = try await ContinuousClock().measure {
            for number in 0..<50_000 { _ = try await table.get(Self.message(number % stored).key, strong: true) }
        }
        print("point reads, 1 caller: \(rate(50_000, gets))/s")
        let pages = try await ContinuousClock().measure {
            for _ in 0..<500 { _ = try await table.query(Query(pk: "ROOM#acme#lobby", ascending: false, limit: 50)) }
        }
        print("newest 50 messages, 1 caller: \(rate(500, pages))/s")
        let keys = (0..<100).map { Self.message($0 * 100).key }
        let batches = try await ContinuousClock().measure {
            for _ in 0..<500 { _ = try await table.get(keys, strong: true) }
        }
        print("batches of 100 keys, 1 caller: \(rate(500, batches))/s")
    }

    private func rate(_ count: Int, _ elapsed: Duration) -> Int { Int(Double(count) / (elapsed / .seconds(1))) }
}
