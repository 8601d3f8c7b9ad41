import ChatStore
import JSONCoding

/// Batches of any size: in chunks that one call takes, a few at once, each until nothing of it is left.
extension DynamoTable {
    /// Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
    static let keysPerRead = 100
    /// Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
    static let writesPerCall = 25
    /// Bytes of a request; DynamoDB takes 16 MB.
    static let batchBytes = 15 << 20
    /// Calls of one batch under way at once.
    static let chunksAtOnce = 4

    public func get(_ keys: [Key], strong: Bool) async throws(TableError) -> [Item] {
        for key in keys { try TableRules.check(key) }
        let chunks = keys.unique().chunks(of: Self.keysPerRead)
        return try await each(of: chunks) { chunk throws(TableError) in
            try await readAll(of: chunk, strong: strong)
        }.flatMap { $0 }
    }

    public func write(_ writes: [BatchWrite]) async throws(TableError) {
        try TableRules.check(writes)
        let chunks = Self.chunks(of: writes)
        do throws(TableError) {
            _ = try await each(of: chunks) { chunk throws(TableError) in try await writeAll(of: chunk) }
        } catch .throttled where chunks.count > 1 {
            throw .unavailable("throttled before all of a batch was written")
        }
    }

    private func readAll(of keys: [Key], strong: Bool) async throws(TableError) -> [Item] {
        var items: [Item] = []
        items.reserveCapacity(keys.count)
        var left = keys
        try await untilNothingIsLeft { () async throws(TableError) in
            let answer = try await calls.call(.batchGetItem) { json in
                json.batch(calls.name) { json in
                    if strong { json.member("ConsistentRead", true) }
                    json.name("Keys")
                    json.beginArray()
                    for key in left { json.key(key) }
                    json.endArray()
                }
            }
            guard let responses = answer["Responses"]?.object else { throw .broken("BatchGetItem", "has no Responses") }
            for value in responses[calls.name]?.array ?? [] { items.append(try Item(value)) }
            let unprocessed = answer["UnprocessedKeys"]?.object?[calls.name]?.object?["Keys"]?.array ?? []
            let before = left
            left = []
            for value in unprocessed { left.append(try Item(value).key) }
            return try Remainder(left: left, of: before, "BatchGetItem")
        }
        return items
    }

    private func writeAll(of writes: [BatchWrite]) async throws(TableError) {
        var left = writes
        do throws(TableError) {
            try await untilNothingIsLeft { () async throws(TableError) in
                let answer = try await calls.call(.batchWriteItem) { json in
                    json.batch(calls.name, isArray: true) { json in
                        for write in left { json.write(write) }
                    }
                }
                var keys: [Key] = []
                let unprocessed = answer["UnprocessedItems"]?.object?[calls.name]?.array ?? []
                for value in unprocessed { keys.append(try Key(unprocessed: value)) }
                let remainder = try Remainder(left: keys, of: left.map(\.key), "BatchWriteItem")
                left = left.filter { keys.contains($0.key) }
                return remainder
            }
        } catch .throttled where left.count < writes.count {
            throw .unavailable("throttled before all of a batch was written")
        }
    }

    /// The one loop over what DynamoDB leaves unprocessed.
    private func untilNothingIsLeft(
        _ attempt: () async throws(TableError) -> Remainder
    ) async throws(TableError) {
        var fruitless = 0
        while true {
            switch try await attempt() {
            case .nothing: return
            case .less: fruitless = 0
            case .same: fruitless += 1
            }
            try await backOff.wait(after: fruitless, or: .throttled)
        }
    }

    /// Writes by 25, or fewer if they are large.
    static func chunks(of writes: [BatchWrite]) -> [[BatchWrite]] {
        var chunks: [[BatchWrite]] = []
        var bytes = 0
        for write in writes {
            let size = write.largestSize
            if let last = chunks.last, last.count < writesPerCall, bytes + size <= batchBytes {
                chunks[chunks.count - 1].append(write)
                bytes += size
            } else {
                chunks.append([write])
                bytes = size
            }
        }
        return chunks
    }

    /// Does `body` for each chunk, ``chunksAtOnce`` at once. After an error none is begun.
    private func each<Chunk: Sendable, Result: Sendable>(
        of chunks: [Chunk], _ body: @Sendable @escaping (Chunk) async throws(TableError) -> Result
    ) async throws(TableError) -> [Result] {
        if chunks.count == 1 { return [try await body(chunks[0])] }
        typealias Outcome = Swift.Result<Result, TableError>
        return try await withTaskGroup(of: Outcome.self) { group -> Swift.Result<[Result], TableError> in
            var next = 0
            func begin() {
                guard next < chunks.count else { return }
                let chunk = chunks[next]
                next += 1
                group.addTask {
                    do throws(TableError) {
                        return .success(try await body(chunk))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            for _ in 0..<Self.chunksAtOnce { begin() }
            var results: [Result] = []
            var failure: TableError?
            for await outcome in group {
                switch outcome {
                case .success(let result): results.append(result)
                case .failure(let error): failure = failure ?? error
                }
                if failure == nil { begin() }
            }
            return failure.map { .failure($0) } ?? .success(results)
        }.get()
    }
}

/// What a call of a batch has left.
private enum Remainder {
    case nothing, less, same

    /// - Throws: `unavailable` if the answer leaves what was not asked for.
    init(left: [Key], of asked: [Key], _ operation: String) throws(TableError) {
        guard left.allSatisfy(asked.contains), left.count <= asked.count else {
            throw .broken(operation, "leaves keys that were not sent")
        }
        self = left.isEmpty ? .nothing : left.count < asked.count ? .less : .same
    }
}

extension Key {
    /// The key of a write that was handed back.
    fileprivate init(unprocessed json: JSONValue) throws(TableError) {
        let request = json.object
        if let item = request?["PutRequest"]?.object?["Item"] {
            self = try Item(item).key
        } else if let key = request?["DeleteRequest"]?.object?["Key"] {
            self = try Item(key).key
        } else {
            throw .broken("BatchWriteItem", "leaves something that is no write")
        }
    }
}

extension BatchWrite {
    /// Bytes in a request, at most: a control character takes six, and an attribute some for its quotes and braces.
    fileprivate var largestSize: Int {
        switch self {
        case .put(let item): item.size * 6 + item.attributes.count * 32 + 256
        case .delete(let key): (key.pk.utf8.count + key.sk.utf8.count) * 6 + 128
        }
    }
}

extension JSONWriter {
    /// `RequestItems` of one table: an object, or an array.
    fileprivate mutating func batch(_ table: String, isArray: Bool = false, _ write: (inout JSONWriter) -> Void) {
        name("RequestItems")
        beginObject()
        name(table)
        isArray ? beginArray() : beginObject()
        write(&self)
        isArray ? endArray() : endObject()
        endObject()
    }
}

extension [Key] {
    /// Each key once. Comparing each with each is quicker for the few that most reads have.
    fileprivate func unique() -> [Key] {
        guard count > 16 else {
            return indices.filter { place in !self[..<place].contains(self[place]) }.map { self[$0] }
        }
        var seen: Set<Key> = []
        return filter { seen.insert($0).inserted }
    }

    fileprivate func chunks(of size: Int) -> [[Key]] {
        stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
    }
}
