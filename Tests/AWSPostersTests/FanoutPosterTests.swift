import AWSClient
import ChatBroadcast
import ChatModel
import ChatWire
import JSONCoding
import Synchronization
import Testing

@testable import AWSPosters

/// Posts by noting it.
private final class Direct: Poster {
    private let posted = Mutex<[ConnectionID]>([])
    var all: [ConnectionID] { posted.withLock { $0 } }
    func post(_ frame: [UInt8], to connections: [ConnectionID]) async -> Delivery {
        posted.withLock { $0 += connections }
        return Delivery(gone: Array(connections.prefix(1)))
    }
    func close(_ connection: ConnectionID, _ code: ServerClose) async -> SocketClosing {
        posted.withLock { $0.append(connection) }
        return .closed
    }
}

/// A queue that checks what it is given and takes what it is told to.
private final class Queue: Sendable {
    struct Entry { var id: String; var body: String }
    let taken = Mutex<[String]>([])
    let faults = Mutex<[String]>([])

    /// - Parameter fate: of an entry at the nth request: nil takes it, else it fails; true: by the sender's fault.
    func answer(_ request: AWSRequest, _ fate: (String) -> Bool?) -> AWSResponse {
        let object = (try? JSONParser.parse(request.body))?.object
        let entries = (object?["Entries"]?.array ?? []).compactMap { value -> Entry? in
            guard let id = value.object?["Id"]?.string, let body = value.object?["MessageBody"]?.string else { return nil }
            return Entry(id: id, body: body)
        }
        check(request.service == .sqs && request.fields.first("X-Amz-Target") == "AmazonSQS.SendMessageBatch", "target")
        check(object?["QueueUrl"]?.string == "https://sqs/q", "queue")
        check((1...10).contains(entries.count), "\(entries.count) entries")
        check(Set(entries.map(\.id)).count == entries.count, "ids repeat")
        check(entries.reduce(0) { $0 + $1.body.utf8.count } <= 262_144, "too many bytes")
        check(entries.allSatisfy { $0.body.utf8.allSatisfy { (0x20...0x7E).contains($0) } }, "characters that XML has not")
        var writer = JSONWriter()
        writer.beginObject()
        let fates = entries.map { ($0, fate($0.body)) }
        writer.name("Successful")
        writer.beginArray()
        for case (let entry, nil) in fates {
            taken.withLock { $0.append(entry.body) }
            writer.beginObject()
            writer.member("Id", entry.id)
            writer.endObject()
        }
        writer.endArray()
        writer.name("Failed")
        writer.beginArray()
        for case (let entry, let isOurs?) in fates {
            writer.beginObject()
            writer.member("Id", entry.id)
            writer.member("SenderFault", isOurs)
            writer.member("Code", isOurs ? "InvalidMessageContents" : "InternalError")
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return AWSResponse(status: 200, body: writer.bytes)
    }

    func check(_ holds: Bool, _ what: String) { if !holds { faults.withLock { $0.append(what) } } }
    var shards: [FanoutShard] { taken.withLock { $0 }.compactMap { try? FanoutShard(decoding: $0) } }
}

@Suite struct FanoutPosterTests {
    private let direct = Direct()
    private let queue = Queue()

    private func poster(threshold: Int = 200, lines: Lines = Lines(), _ answer: @escaping FakeAWS.Answer) -> (FanoutPoster, FakeAWS) {
        let aws = FakeAWS(answer)
        let fanoutQueue = FanoutQueue(
            caller: aws, url: "https://sqs/q", wait: { _ in await Task.yield() }, log: lines.log)
        return (FanoutPoster(direct: direct, queue: fanoutQueue, threshold: threshold, log: lines.log), aws)
    }

    @Test(arguments: [(0, 0), (1, 0), (200, 0), (201, 3), (1000, 10), (1001, 11)])
    func `above the threshold the queue takes over`(count: Int, shards: Int) async {
        let (poster, aws) = poster { [queue] request in queue.answer(request) { _ in nil } }
        let delivery = await poster.post(Array("x".utf8), to: ids(count))
        #expect(queue.shards.count == shards)
        #expect(aws.requests.count == (shards + 9) / 10)
        #expect(direct.all == (shards == 0 ? ids(count) : []))
        #expect(delivery == (shards == 0 ? Delivery(gone: Array(ids(count).prefix(1))) : Delivery()))
        #expect(queue.faults.withLock { $0 } == [])
    }

    @Test(arguments: [(200, false), (201, true)])
    func `the room counts, and not who gets the frame`(size: Int, isQueued: Bool) async {
        let (poster, _) = poster { [queue] request in queue.answer(request) { _ in nil } }
        _ = await poster.post(Array("x".utf8), to: ids(size - 1), inRoomOf: size)
        #expect(direct.all == (isQueued ? [] : ids(size - 1)))
        #expect(queue.shards.isEmpty != isQueued)
    }

    /// Ids of many lengths, with the characters that JSON escapes.
    private func strange(_ count: Int, _ chance: inout Chance) -> [ConnectionID] {
        let longest = Int.random(in: 8...128, using: &chance)
        let letters = Array(#"abcXYZ019"\/+=&<'"#.utf8)
        return (0..<count).compactMap { number in
            let tail = (0..<Int.random(in: 0...(longest - 6), using: &chance)).map { _ in letters.randomElement(using: &chance)! }
            return ConnectionID("\(number)\(String(decoding: tail, as: UTF8.self))")
        }
    }

    @Test func `batches name every connection once and fit the queue's limits`() {
        var chance = Chance(state: 1)
        for count in [1, 99, 100, 101, 999, 1000, 1001, 4567, 10_000] {
            let connections = strange(count, &chance)
            for size in [1, 300, 20_000, 60_000, 100_000, Limits.messageBytes] {
                let frame = FanoutShard.text(of: Array(repeating: 0, count: size))
                let batches = FanoutBatch.cut(connections, frameBytes: frame.utf8.count)
                #expect(batches.flatMap(\.shards).flatMap(\.self) == Array(0..<count))
                for batch in batches {
                    let ids = batch.shards.map { shard in connections[shard].reduce(0) { $0 + 3 + Self.escaped($1) } }
                    let bytes = ids.reduce(0) { $0 + $1 + frame.utf8.count + 35 }
                    #expect(bytes <= 262_144 && (1...10).contains(batch.shards.count), "\(count) ids, a frame of \(size)")
                }
                // No more requests than it takes, when ids are as short as API Gateway's.
                if size <= 300, count < 9000 { #expect(batches.count <= (count + 999) / 1000 + count / 4000) }
            }
        }
    }

    /// Bytes of an id in JSON, without the quotes.
    private static func escaped(_ id: ConnectionID) -> Int {
        id.text.utf8.reduce(0) { $0 + ($1 == UInt8(ascii: "\"") || $1 == UInt8(ascii: "\\") ? 2 : 1) }
    }

    @Test(arguments: [(10_000, 40), (1234, 3000), (450, 100_000), (250, Limits.messageBytes)])
    func `what waits in the queue is every connection once, with the frame`(count: Int, size: Int) async {
        var chance = Chance(state: UInt64(count))
        let connections = strange(count, &chance)
        // Bytes that are no text: the queue's characters are no matter.
        let frame = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let (poster, aws) = poster { [queue] request in queue.answer(request) { _ in nil } }
        #expect(await poster.post(frame, to: connections) == Delivery())
        #expect(queue.faults.withLock { $0 } == [])
        let shards = queue.shards
        #expect(shards.flatMap(\.connections).sorted() == connections.sorted())
        #expect(shards.allSatisfy { $0.frame == frame && $0.connections.count <= 100 })
        #expect(direct.all.isEmpty && aws.most <= 8)
    }

    @Test func `entries that fail are sent again, and only they`() async {
        let tries = Mutex<[String: Int]>([:])
        let (poster, aws) = poster { [queue] request in
            queue.answer(request) { body in
                let count = tries.withLock { $0[body, default: 0] += 1; return $0[body]! }
                return count < 3 && body.contains("conn-1") ? false : nil
            }
        }
        #expect(await poster.post(Array("x".utf8), to: ids(1000)) == Delivery())
        #expect(queue.shards.flatMap(\.connections).sorted() == ids(1000).sorted())
        #expect(tries.withLock { Set($0.values) } == [1, 3])
        #expect(aws.requests.count == 3)
        #expect(direct.all.isEmpty)
    }

    @Test func `what the queue never takes is posted directly, and nobody else is`() async {
        let lines = Lines()
        let (poster, aws) = poster(lines: lines) { [queue] request in
            queue.answer(request) { $0.contains(#""conn-0=""#) ? false : $0.contains(#""conn-250=""#) ? true : nil }
        }
        let delivery = await poster.post(Array("x".utf8), to: ids(450))
        #expect(direct.all == Array(ids(100) + ids(300).suffix(100)))
        #expect(queue.shards.flatMap(\.connections).sorted() == Set(ids(450)).subtracting(direct.all).sorted())
        #expect(delivery == Delivery(gone: [ids(1)[0]]))
        #expect(aws.requests.count == FanoutQueue.attempts)
        // What is the sender's fault is not sent twice.
        #expect(aws.requests.map { String(decoding: $0.body, as: UTF8.self).contains("conn-250=") } == [true, false, false])
        #expect(lines.count("shards not queued") == 1)
        #expect(lines.count("posted without the queue") == 1)
    }

    @Test(arguments: [.timedOut, .unreachable("x"), refused(400, "QueueDoesNotExist"), .noCredentials("x")] as [AWSError])
    func `a queue that does not answer loses nobody`(error: AWSError) async {
        let (poster, aws) = poster { _ throws(AWSError) in throw error }
        _ = await poster.post(Array("x".utf8), to: ids(2500))
        #expect(direct.all == ids(2500))
        #expect(aws.requests.count == 3, "one for each batch: the caller has tried again already")
    }

    @Test(arguments: ["", "null", "{}", #"{"Successful":[{"Id":7}]}"#, #"{"Successful":[{"Id":"99"}],"Failed":[{}]}"#])
    func `an answer that says nothing of an entry is no promise`(answer: String) async {
        let (poster, _) = poster { _ in AWSResponse(status: 200, body: Array(answer.utf8)) }
        _ = await poster.post(Array("x".utf8), to: ids(201))
        #expect(direct.all == ids(201))
    }

    @Test func `a frame that no connection may get is not queued`() async {
        let (poster, aws) = poster { _ in AWSResponse(status: 200) }
        _ = await poster.post(Array(repeating: 0x61, count: Limits.messageBytes + 1), to: ids(201))
        #expect(aws.requests.isEmpty && direct.all == ids(201))
    }

    @Test func `sockets are closed directly`() async {
        let (poster, aws) = poster { _ in AWSResponse(status: 200) }
        await poster.close(ids(1)[0], .removed)
        #expect(direct.all == ids(1) && aws.requests.isEmpty)
    }
}
