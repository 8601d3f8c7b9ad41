import ChatModel

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

extension ChatRepository {
    /// Stores a message at the head of its stream: durable, gapless, once per `clientMessageId`.
    ///
    /// Access pattern: `sendMessage`, `Publish`. One transaction of the message, the head and, with a `clientMessageId`,
    /// the row that remembers it; a conflict with another process reads the head again. Messages handed in while another
    /// is being written to the same stream are written together, in the order they came.
    /// - Parameter known: what was read of ``Draft/keys`` already.
    public func append(
        _ draft: Draft, knowing known: [Key: Item]? = nil, at now: Timestamp
    ) async throws(TableError) -> AppendOutcome {
        var bits = RandomBits(random)
        let submission = Submission(draft: draft, messageID: ULID.make(at: now, using: &bits), sentAt: now)
        let partition = draft.stream.partition
        if queues.enter(partition) {
            defer { queues.leave(partition) }
            return try await append([submission], knowing: known)[0]
        }
        switch await queues.wait(submission, partition) {
        case .done(let result): return try result.get()
        case .lead(let others):
            defer { queues.leave(partition) }
            return try await lead(submission, others)
        }
    }

    /// Writes for others too, and tells them what became of theirs.
    private func lead(
        _ submission: Submission, _ others: [StreamQueues.Waiter]
    ) async throws(TableError) -> AppendOutcome {
        do throws(TableError) {
            let outcomes = try await append([submission] + others.map(\.submission), knowing: nil)
            for (other, outcome) in zip(others, outcomes.dropFirst()) { other.finish(.success(outcome)) }
            return outcomes[0]
        } catch {
            for other in others { other.finish(.failure(error)) }
            throw error
        }
    }

    /// - Parameter submissions: all of one stream.
    private func append(
        _ submissions: [Submission], knowing known: [Key: Item]?
    ) async throws(TableError) -> [AppendOutcome] {
        var known = known
        return try await retrying("send") { () async throws(TableError) -> [AppendOutcome]? in
            let items: [Key: Item]
            if let read = known {
                items = read
                known = nil
            } else {
                let keys = submissions.flatMap(\.draft.keys)
                items = Dictionary(uniqueKeysWithValues: try await table.get(keys, strong: true).map { ($0.key, $0) })
            }
            let plan = AppendPlan(submissions, items)
            guard !plan.messages.isEmpty else { return plan.outcomes }
            return try await commit(actions(of: plan)) ? plan.outcomes : nil
        }
    }

    private func actions(of plan: AppendPlan) -> [TransactAction] {
        guard let last = plan.messages.last else { return [] }
        var actions: [TransactAction] = []
        for (message, submission) in plan.messages {
            actions.append(.put(message.item(in: submission.draft.stream, keptFor: settings.historyTTL), if: .itemAbsent))
            if let row = submission.deduplicationRow(of: message) { actions.append(row) }
        }
        let stream = last.submission.draft.stream
        if let head = plan.head {
            let raise = Update(stream.head, [.set("seq", .number(last.message.seq))], if: .equals("seq", .number(head.seq)))
            actions.append(.update(raise))
        } else {
            actions.append(.put(newHead(stream, seq: last.message.seq, at: last.message.sentAt), if: .itemAbsent))
        }
        return actions
    }

    /// The head as the first messages make it.
    private func newHead(_ stream: MessageStream, seq: Int64, at now: Timestamp) -> Item {
        switch stream {
        case .room(let room): newRoom(room, seq: seq, at: now)
        case .direct(let tenant, _, _):
            Item(
                stream.head,
                [
                    "v": formatVersion, "tenantId": .string(tenant.text), "seq": .number(seq),
                    "epoch": .string(newEpoch()), "createdAt": .number(now.milliseconds),
                ])
        }
    }
}

/// What is to be written for some submissions, judged by what was read.
private struct AppendPlan {
    /// Nil while nothing was ever there.
    let head: StreamHead?
    /// One per submission, once the plan is written.
    private(set) var outcomes: [AppendOutcome] = []
    private(set) var messages: [(message: Message, submission: Submission)] = []

    init(_ submissions: [Submission], _ items: [Key: Item]) {
        head = submissions.first.flatMap { items[$0.draft.stream.head] }.flatMap(StreamHead.init(item:))
        var sent: [Key: AppendOutcome] = [:]
        var seq = head?.seq ?? 0
        for submission in submissions {
            let key = submission.draft.deduplicationKey
            if let key, let earlier = sent[key] ?? items[key].flatMap({ AppendOutcome(sent: $0, at: submission.sentAt) }) {
                outcomes.append(earlier)
                continue
            }
            seq += 1
            let message = Message(
                destination: submission.draft.stream.destination(from: submission.draft.senderID),
                messageID: submission.messageID, seq: seq, senderID: submission.draft.senderID,
                body: submission.draft.body, sentAt: submission.sentAt)
            messages.append((message, submission))
            outcomes.append(.stored(message))
            if let key {
                sent[key] = .duplicate(messageID: message.messageID, seq: message.seq, sentAt: message.sentAt)
            }
        }
    }
}

extension Submission {
    /// The row that remembers the `clientMessageId`, written if there is none that still counts.
    fileprivate func deduplicationRow(of message: Message) -> TransactAction? {
        guard let key = draft.deduplicationKey else { return nil }
        let row = Item(
            key,
            [
                "v": formatVersion, "messageId": .string(message.messageID), "seq": .number(message.seq),
                "sentAt": .number(sentAt.milliseconds), "expiresAt": .number((sentAt + Limits.deduplication).seconds + 1),
            ])
        let forgotten = (sentAt - Limits.deduplication).milliseconds
        return .put(row, if: .any([.itemAbsent, .atMost("sentAt", forgotten)]))
    }
}

extension AppendOutcome {
    /// What a row of an earlier send says; nil once it is too old to count.
    fileprivate init?(sent item: Item, at now: Timestamp) {
        guard let messageID = item.string("messageId"), let seq = item.number("seq"), let sentAt = item.number("sentAt"),
            sentAt > (now - Limits.deduplication).milliseconds
        else { return nil }
        self = .duplicate(messageID: messageID, seq: seq, sentAt: Timestamp(milliseconds: sentAt))
    }
}
