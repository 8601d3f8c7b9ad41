import ChatStore
import Foundation
import SQLiteTable
import Synchronization
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
        table = try SQLiteTable(
            path: folder.file("chat.sqlite"),
            options: SQLiteTable.Options(caches: Keys.isReadOften, isDurable: Keys.mustBeDurable)) { _ in }
    }

    static func message(_ number: Int, room: Int = 0) -> Item {
        Item(
            Key("ROOM#acme#\(room)", "MSG#\(10_000_000 + number)"),
            [
                "v": .number(1), "messageId": .string("01JD3X8K7QZ5W9V2T4R6N8M0PA"), "senderId": .string("alice"),
                "body": .string(String(repeating: "hello ", count: 20)), "sentAt": .number(1_763_732_240_123),
            ])
    }

    @Test(arguments: [1, 64, 512, 2000]) func `durable puts`(callers: Int) async throws {
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

    /// What a server writes: a message and the head of its room, four at a time in each of ten rooms.
    @Test func `messages`() async throws {
        let (table, rooms, outstanding, count) = (table, 10, 4, 40_000)
        let numbers = (0..<rooms).map { _ in Counter() }
        for room in 0..<rooms { try await table.put(Self.head(room), if: .itemAbsent) }
        let (began, commits) = (Self.processorSeconds, table.commits)
        try await withThrowingTaskGroup { group in
            for caller in 0..<rooms * outstanding {
                group.addTask {
                    let room = caller % rooms
                    for _ in 0..<count / (rooms * outstanding) {
                        let item = Self.message(numbers[room].next(), room: room)
                        try await table.transact([
                            .put(item, if: .itemAbsent), .update(Update(Self.head(room).key, [.set("seq", .number(1))], if: .itemExists)),
                        ])
                    }
                }
            }
            try await group.waitForAll()
        }
        let each = (Self.processorSeconds - began) / Double(count) * 1e6
        print("messages in groups of \(count / (table.commits - commits)): \(each) µs CPU each, kernel included")
    }

    /// The items that a connection and its first join write.
    @Test func `connections`() async throws {
        let (table, callers, count) = (table, 16, 8000)
        try await table.put(Self.head(0), if: nil)
        let began = Self.processorSeconds
        let elapsed = try await ContinuousClock().measure {
            try await withThrowingTaskGroup { group in
                for caller in 0..<callers {
                    group.addTask {
                        for number in stride(from: caller, to: count, by: callers) { try await Self.connect(number, table) }
                    }
                }
                try await group.waitForAll()
            }
        }
        let each = (Self.processorSeconds - began) / Double(count) * 1e6
        print("connections that join: \(each) µs CPU each, kernel included; \(rate(count, elapsed))/s")
    }

    private static func connect(_ number: Int, _ table: SQLiteTable) async throws {
        let id = "Kf0abcdefg\(1_000_000 + number)="
        let (key, user, presence) = (Key("CONN#\(id)", "META"), Key("USER#acme#user-\(number)", "META"), Key("ROOM#acme#0", "USER#user-\(number)"))
        let owner: Attributes = ["v": .number(1), "tenantId": .string("acme"), "userId": .string("user-\(number)")]
        var connection = Item(key, gsi1: Key(user.pk, key.pk), gsi2: Key("TENANT#acme#1", "\(presence.sk)#\(key.pk)"), owner)
        connection["connectionId"] = .string(id)
        for name in ["connectedAt", "lastSeen", "expiresAt", "tokenExpiresAt", "wheelMinute"] { connection[name] = .number(1_763_732_240) }
        try await table.transact([
            .update(Update(user, [.insert("connections", [id]), .set("v", .number(1))], if: .absent("connections"))),
            .put(Item(Key("LEASE#29395537#3", key.pk), owner), if: nil), .put(connection, if: .itemAbsent),
        ])
        _ = try await table.get([key], strong: true)
        _ = try await table.get([key, head(0).key, presence], strong: true)
        let due = Item(Key("DUE#29395537#3", "\(key.pk)#ROOM#0"), owner)
        try await table.transact([
            .update(Update(key, [.insert("rooms", ["0"])], if: .absent("rooms"))),
            .put(Item(Key("ROOM#acme#0", key.pk), gsi1: Key(key.pk, "ROOM#acme#0"), owner), if: nil),
            .update(Update(presence, [
                .insert("connections", [id]), .set("version", .number(1)), .set("joinedAt", .number(1)), .set("pending", .string("join")),
                .set("pendingAt", .number(1)), .set("tenantId", .string("acme")), .set("userId", .string("user-\(number)")),
            ], if: .absent("connections"))),
            .put(due, if: nil),
        ])
        _ = try await table.update(Update(presence, [.remove("pending"), .remove("pendingAt")], if: .exists("pending")), returning: .nothing)
        _ = try await table.delete(due.key, if: nil)
    }

    private static func head(_ room: Int) -> Item {
        Item(
            Key("ROOM#acme#\(room)", "META"), gsi2: Key("TENANT#acme#ROOMS", "ROOM#\(room)"),
            [
                "v": .number(1), "tenantId": .string("acme"), "roomId": .string("\(room)"), "seq": .number(0),
                "epoch": .string("72yf93k2m1l0q"), "createdAt": .number(1_763_732_240_123),
            ])
    }

    /// User and system time of this process.
    private static var processorSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    @Test func `reads`() async throws {
        let (table, stored) = (table, 20_000)
        try await table.write((0..<stored).map { .put(Self.message($0)) })
        let gets = try await ContinuousClock().measure {
            for number in 0..<50_000 { _ = try await table.get(Self.message(number % stored).key, strong: true) }
        }
        print("point reads, 1 caller: \(rate(50_000, gets))/s")
        let pages = try await ContinuousClock().measure {
            for _ in 0..<500 { _ = try await table.query(Query(pk: "ROOM#acme#0", ascending: false, limit: 50)) }
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

private final class Counter: Sendable {
    private let count = Mutex(0)
    func next() -> Int { count.withLock { count in count += 1; return count } }
}
