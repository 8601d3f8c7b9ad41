import ChatModel

/// The newest message of a room or conversation, and which history it belongs to.
public struct StreamHead: Equatable, Sendable {
    public var seq: Int64
    public var epoch: String
}

public enum AppendOutcome: Equatable, Sendable {
    case stored(Message)
    /// The same `clientMessageId` was stored before, as this.
    case duplicate(messageID: String, seq: Int64, sentAt: Timestamp)
}

/// A message to be stored.
public struct Draft: Sendable {
    public var stream: MessageStream
    public var senderID: UserID
    public var body: String
    public var clientMessageID: String?

    public init(stream: MessageStream, senderID: UserID, body: String, clientMessageID: String?) {
        self.stream = stream
        self.senderID = senderID
        self.body = body
        self.clientMessageID = clientMessageID
    }

    /// What storing it reads first; reading it together with the connection saves a round trip.
    public var keys: [Key] { [stream.head] + (deduplicationKey.map { [$0] } ?? []) }

    var deduplicationKey: Key? { clientMessageID.map { Keys.deduplication(stream, sender: senderID, $0) } }
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

    /// Stores a message at the head of its stream: durable, gapless, once per `clientMessageId`.
    ///
    /// Access pattern: `sendMessage`, `Publish`. One transaction of the message, the head and, with a `clientMessageId`,
    /// the row that remembers it; a conflict reads the head again.
    /// - Parameter known: what was read of ``Draft/keys`` already.
    public func append(
        _ draft: Draft, knowing known: [Key: Item]? = nil, at now: Timestamp
    ) async throws(TableError) -> AppendOutcome {
        var bits = RandomBits(random)
        let messageID = ULID.make(at: now, using: &bits)
        var known = known
        return try await retrying("send") { () async throws(TableError) -> AppendOutcome? in
            let items: [Key: Item]
            if let read = known {
                items = read
                known = nil
            } else {
                items = Dictionary(
                    uniqueKeysWithValues: try await table.get(draft.keys, strong: true).map { ($0.key, $0) })
            }
            if let duplicate = draft.deduplicationKey.flatMap({ items[$0] }).flatMap({ AppendOutcome(sent: $0, at: now) }) {
                return duplicate
            }
            let head = items[draft.stream.head].flatMap(StreamHead.init(item:))
            let message = Message(
                destination: draft.stream.destination(from: draft.senderID), messageID: messageID,
                seq: (head?.seq ?? 0) + 1, senderID: draft.senderID, body: draft.body, sentAt: now)
            return try await commit(appending(message, draft, after: head, at: now)) ? .stored(message) : nil
        }
    }

    private func appending(_ message: Message, _ draft: Draft, after head: StreamHead?, at now: Timestamp) -> [TransactAction] {
        var actions: [TransactAction] = [
            .put(message.item(in: draft.stream, keptFor: settings.historyTTL), if: .itemAbsent)
        ]
        if let head {
            let raise = Update(
                draft.stream.head, [.set("seq", .number(message.seq))], if: .equals("seq", .number(head.seq)))
            actions.append(.update(raise))
        } else {
            actions.append(.put(newHead(draft.stream, at: now), if: .itemAbsent))
        }
        if let key = draft.deduplicationKey {
            let row = Item(
                key,
                [
                    "v": formatVersion, "messageId": .string(message.messageID), "seq": .number(message.seq),
                    // The table's TTL counts whole seconds: the one after, so that it is never early.
                    "sentAt": .number(now.milliseconds), "expiresAt": .number((now + Limits.deduplication).seconds + 1),
                ])
            let tooOld = Condition.atMost("sentAt", (now - Limits.deduplication).milliseconds)
            actions.append(.put(row, if: .any([.itemAbsent, tooOld])))
        }
        return actions
    }

    /// The head as the first message makes it.
    private func newHead(_ stream: MessageStream, at now: Timestamp) -> Item {
        switch stream {
        case .room(let room): newRoom(room, seq: 1, at: now)
        case .direct(let tenant, _, _):
            Item(
                stream.head,
                [
                    "v": formatVersion, "tenantId": .string(tenant.text), "seq": .number(1),
                    "epoch": .string(newEpoch()), "createdAt": .number(now.milliseconds),
                ])
        }
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

extension AppendOutcome {
    /// What a row of an earlier send says; nil once it is too old to count.
    init?(sent item: Item, at now: Timestamp) {
        guard let messageID = item.string("messageId"), let seq = item.number("seq"),
            let sentAt = item.number("sentAt").map(Timestamp.init(milliseconds:)), sentAt + Limits.deduplication > now
        else { return nil }
        self = .duplicate(messageID: messageID, seq: seq, sentAt: sentAt)
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
