import ChatModel
import ChatWire
import JSONCoding

/// Shards of one frame that go to the queue in one request.
struct FanoutBatch: Equatable, Sendable {
    /// Messages in a request, and their bytes together; one message may have as many.
    /// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
    static let maxEntries = 10
    static let maxBytes = 262_144
    /// Receivers in a shard: a record is posted, fails and comes again as a whole.
    static let shardSize = 100

    /// Places in the list of receivers.
    var shards: [Range<Int>]

    /// Cuts the receivers of a frame, each into one shard of one batch. Empty for a frame so large that no shard could have it.
    /// - Parameter frameBytes: as the frame stands in a shard.
    static func cut(_ connections: [ConnectionID], frameBytes: Int) -> [FanoutBatch] {
        var batches: [FanoutBatch] = []
        var room = 0
        for start in stride(from: 0, to: connections.count, by: shardSize) {
            let shard = start..<min(start + shardSize, connections.count)
            let bytes = mostBytes(connections[shard], frameBytes: frameBytes)
            guard bytes <= maxBytes else { return [] }
            if bytes > room || batches[batches.count - 1].shards.count == maxEntries {
                batches.append(FanoutBatch(shards: []))
                room = maxBytes
            }
            batches[batches.count - 1].shards.append(shard)
            room -= bytes
        }
        return batches
    }

    /// Bytes that a shard has at most: each of an id's may need an escape.
    private static func mostBytes(_ connections: ArraySlice<ConnectionID>, frameBytes: Int) -> Int {
        connections.reduce(frameBytes + 64) { $0 + 3 + 2 * $1.text.utf8.count }
    }

    /// The request of `SendMessageBatch`; an entry's id is its place among the shards.
    static func request(queue: String, _ entries: [(place: Int, body: [UInt8])]) -> [UInt8] {
        var writer = JSONWriter(capacity: entries.reduce(256) { $0 + $1.body.count * 5 / 4 + 64 })
        writer.beginObject()
        writer.member("QueueUrl", queue)
        writer.name("Entries")
        writer.beginArray()
        for entry in entries {
            writer.beginObject()
            writer.member("Id", String(entry.place))
            writer.member("MessageBody", String(decoding: entry.body, as: UTF8.self))
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }
}

/// What became of the entries of one request.
struct FanoutBatchAnswer: Equatable, Sendable {
    /// In the queue, for good.
    var queued: Set<Int> = []
    /// Refused for what they are: they would be again.
    var hopeless: Set<Int> = []
    /// The queue's word for a failure, if there was one.
    var code: String?

    /// Only what is said to be in the queue counts as being there.
    init(decoding body: [UInt8]) {
        guard let root = (try? JSONParser.parse(body))?.object else { return }
        for entry in root["Successful"]?.array ?? [] {
            if let place = FanoutBatchAnswer.place(entry) { queued.insert(place) }
        }
        for entry in root["Failed"]?.array ?? [] {
            code = entry.object?["Code"]?.string ?? code
            guard let place = FanoutBatchAnswer.place(entry), entry.object?["SenderFault"]?.bool == true else { continue }
            hopeless.insert(place)
        }
    }

    private static func place(_ entry: JSONValue) -> Int? { entry.object?["Id"]?.string.flatMap { Int($0) } }
}
