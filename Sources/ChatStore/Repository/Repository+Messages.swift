import ChatModel

/// The newest message of a room or conversation, and which history it belongs to.
public struct StreamHead: Equatable, Sendable {
    public var seq: Int64
    public var epoch: String
}

/// Which part of a history is asked for.
public enum HistoryRange: Equatable, Sendable {
    case newest
    /// Messages older than this seq, the newest of them.
    case before(Int64)
    /// Messages newer than this seq, the oldest of them.
    case after(Int64)
}

extension ChatRepository {
    /// The head of a room or conversation, read strongly; nil if nothing was ever there.
    public func head(_ stream: MessageStream) async throws(TableError) -> StreamHead? {
        try await table.get(stream.head, strong: true).flatMap(StreamHead.init(item:))
    }

    /// The heads of some rooms of a tenant, by room id.
    public func heads(_ tenant: TenantID, _ rooms: [RoomID]) async throws(TableError) -> [RoomID: Int64] {
        let keys = rooms.map { Keys.room(Room(tenant, $0)) }
        var seqs: [Key: Int64] = [:]
        for item in try await table.get(keys, strong: true) { seqs[item.key] = item.number("seq") }
        var heads: [RoomID: Int64] = [:]
        for (room, key) in zip(rooms, keys) { heads[room] = seqs[key] }
        return heads
    }

    /// Messages in `seq` order, oldest first, and whether there are more beyond `limit` in the direction read.
    /// - Parameter viewer: in a conversation, the user who asks.
    public func history(
        _ stream: MessageStream, viewer: UserID, _ range: HistoryRange, limit: Int, at now: Timestamp
    ) async throws(TableError) -> (messages: [Message], more: Bool) {
        let sortKeys: SortKeyRange
        var ascending = false
        switch range {
        case .newest: sortKeys = .prefix("MSG#")
        case .before(let seq): sortKeys = .between(Keys.messageSort(0), Keys.messageSort(min(max(seq - 1, 0), Keys.highestSeq)))
        case .after(let seq):
            sortKeys = .between(Keys.messageSort(min(seq, Keys.highestSeq - 1) + 1), Keys.messageSort(Keys.highestSeq))
            ascending = true
        }
        var query = Query(pk: stream.partition, sortKeys, ascending: ascending, strong: true, limit: limit + 1)
        var messages: [Message] = []
        repeat {
            let page = try await table.query(query)
            for item in page.items where (item.number("expiresAt") ?? .max) > now.seconds {
                if let message = Message(item: item, in: stream) { messages.append(message) }
            }
            query.after = page.next
        } while query.after != nil && messages.count <= limit
        let more = messages.count > limit
        messages = Array(messages.prefix(limit))
        return (ascending ? messages : messages.reversed(), more)
    }
}

extension StreamHead {
    public init?(item: Item) {
        guard let seq = item.number("seq"), let epoch = item.string("epoch") else { return nil }
        self.init(seq: seq, epoch: epoch)
    }
}

extension Message {
    func item(in stream: MessageStream, keptFor age: Seconds?) -> Item {
        var item = Item(
            Keys.message(stream.partition, seq),
            [
                "v": formatVersion, "messageId": .string(messageID), "seq": .number(seq),
                "senderId": .string(senderID.text), "body": .string(body), "sentAt": .number(sentAt.milliseconds),
            ])
        if let age { item["expiresAt"] = .number((sentAt + age).seconds) }
        return item
    }

    /// Nil for an item that is no message.
    public init?(item: Item, in stream: MessageStream) {
        guard let messageID = item.string("messageId"), let seq = item.number("seq"),
            let senderID = item.string("senderId").flatMap(UserID.init), let body = item.string("body"),
            let sentAt = item.number("sentAt")
        else { return nil }
        self.init(
            destination: stream.destination(from: senderID), messageID: messageID, seq: seq, senderID: senderID,
            body: body, sentAt: Timestamp(milliseconds: sentAt))
    }
}
