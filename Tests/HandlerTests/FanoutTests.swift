import ChatBroadcast
import ChatHandlers
import ChatModel
import ChatWire
import Logs
import Simulation
import Synchronization
import Testing

/// What the fan-out queue brings.
@Suite struct FanoutTests {
    let service: Service
    private let lines = Lines()

    init() throws { service = try Service(log: lines.log) }

    private func record(_ id: String, _ body: String, received count: Int = 1) -> String {
        let quoted = body.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return #"{"messageId":"\#(id)","body":"\#(quoted)","attributes":{"ApproximateReceiveCount":"\#(count)"},"eventSource":"aws:sqs"}"#
    }

    private func shard(_ text: String, _ clients: [Client]) -> String {
        let frame = Array(#"{"type":"message","body":"\#(text)"}"#.utf8)
        let shard = FanoutShard(frame: frame, connections: clients.compactMap { ConnectionID($0.id) })
        return String(decoding: shard.encoded(), as: UTF8.self)
    }

    /// - Returns: the records to come again.
    private func handle(_ records: [String], poster: (any Poster)? = nil, deadline: Timestamp? = nil) async throws -> [String] {
        let payload = #"{"Records":[\#(records.joined(separator: ","))]}"#
        let answer = try await Fanout(service.services, poster: poster ?? service.poster)
            .handle(Array(payload.utf8), deadline: deadline)
        return Frame(answer).strings("batchItemFailures", of: "itemIdentifier")
    }

    private func clients(_ count: Int) async -> [Client] {
        var clients: [Client] = []
        for number in 1...count { clients.append(await service.connect("user-\(number)")) }
        return clients
    }

    @Test func `every connection of every record is posted to once`() async throws {
        let all = await clients(6)
        let records = [record("m1", shard("one", Array(all[..<3]))), record("m2", shard("one", Array(all[3...]))), record("m3", shard("two", all))]
        #expect(try await handle(records) == [])
        #expect(all.map { $0.frames.bodies.sorted() } == Array(repeating: ["one", "two"], count: 6))
        #expect(try await handle([]) == [])
    }

    @Test(arguments: [1, 2, 1000]) func `a record that comes again is posted again, whole`(count: Int) async throws {
        let all = await clients(3)
        for _ in 1...2 { #expect(try await handle([record("m1", shard("one", all), received: count)]) == []) }
        #expect(all.map(\.frames.bodies) == Array(repeating: ["one", "one"], count: 3))
    }

    @Test func `a record of which a post failed comes again, and the others are done`() async throws {
        let all = await clients(4)
        service.poster.fail(all[1].id)
        let records = [record("m1", shard("one", Array(all[..<2]))), record("m2", shard("two", Array(all[2...])))]
        #expect(try await handle(records) == ["m1"])
        #expect(all.map(\.frames.bodies) == [["one"], [], ["two"], ["two"]])
        #expect(lines.text.contains("shard failed"))
        service.poster.fail(all[1].id, false)
        #expect(try await handle([record("m1", shard("one", Array(all[..<2])), received: 2)]) == [])
        #expect(all[1].frames.bodies == ["one"])
    }

    @Test(arguments: ["", "x", "{}", #"{"v":2,"frame":"eA==","connections":[]}"#, #"{"v":1,"frame":"eA==","connections":["a b"]}"#])
    func `a malformed shard is logged and reported, and keeps nothing else`(body: String) async throws {
        let all = await clients(1)
        #expect(try await handle([record("bad", body), record("good", shard("one", all))]) == ["bad"])
        #expect(all[0].frames.bodies == ["one"])
        #expect(lines.text.contains("shard malformed") && lines.text.contains("bad"))
    }

    @Test(arguments: ["{}", #"{"Records":[{}]}"#, #"{"Records":[{"eventName":"REMOVE","dynamodb":{}}]}"#, "x"])
    func `what is no batch of a queue fails the invocation, with a line in the log`(payload: String) async throws {
        await #expect(throws: EventError.self) {
            try await Fanout(service.services, poster: service.poster).handle(Array(payload.utf8), deadline: nil)
        }
        #expect(lines.text.contains("batch malformed"))
    }

    @Test func `the gone are ended, unless they are young, and are no failure`() async throws {
        let watcher = await service.connect("watcher")
        await watcher.join("lobby")
        let old = await service.connect("old")
        await old.join("lobby")
        service.advance(29)
        let young = await service.connect("young")
        await young.join("lobby")
        service.advance(1)
        for client in [old, young] { service.poster.lose(client.id) }
        // Two frames find the same gone at the same time.
        #expect(try await handle([record("m1", shard("one", [old, young, watcher])), record("m2", shard("two", [young, old]))]) == [])
        #expect(watcher.presence == ["join old", "join young", "leave old stale"])
        #expect(watcher.frames.bodies == ["one"])
        service.advance(29)
        #expect(try await handle([record("m1", shard("one", [young]), received: 2)]) == [])
        #expect(watcher.presence.last == "leave young stale")
        #expect(Audit(service).faults == [])
    }

    @Test func `near the deadline the rest comes again, unposted`() async throws {
        let all = await clients(2)
        let records = [record("m1", shard("one", [all[0]])), record("m2", shard("two", [all[1]]))]
        let now = service.clock.now()
        #expect(try await handle(records, deadline: now + Fanout.reserve - 1) == ["m1", "m2"])
        #expect(all.allSatisfy { $0.frames.isEmpty })
        #expect(lines.text.contains("the deadline is near"))
        #expect(try await handle(records, deadline: now + Fanout.reserve) == [])
        #expect(all.map(\.frames.bodies) == [["one"], ["two"]])
    }

    @Test func `records are posted at the same time`() async throws {
        let all = await clients(5)
        let meeting = Meeting(of: 5)
        let records = all.enumerated().map { record("m\($0.offset)", shard("x", [$0.element])) }
        #expect(try await handle(records, poster: meeting) == [])
    }
}

/// Answers when all have come.
private final class Meeting: Poster {
    private let waiting = Mutex<[CheckedContinuation<Void, Never>]>([])
    private let size: Int

    init(of size: Int) { self.size = size }

    func post(_ frame: [UInt8], to connections: [ConnectionID]) async -> Delivery {
        await withCheckedContinuation { continuation in
            let all = waiting.withLock { waiting in
                waiting.append(continuation)
                return waiting.count == size ? waiting : []
            }
            for one in all { one.resume() }
        }
        return Delivery()
    }

    func close(_ connection: ConnectionID, _ code: ServerClose) async -> SocketClosing { .absent }
}
