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
    /// is being written to the same stream follow it in writes of their own, or are written together, in the order they
    /// came: see ``StreamQueues``.
    /// - Parameter known: what was read of ``Draft/keys`` already, if all of them were.
    public func append(
        _ draft: Draft, knowing known: ReadItems? = nil, at now: Timestamp
    ) async throws(TableError) -> AppendOutcome {
        var bits = RandomBits(random)
        let submission = Submission(draft: draft, messageID: ULID.make(at: now, using: &bits), sentAt: now)
        if let key = draft.deduplicationKey, let row = known?[key], let earlier = AppendOutcome(sent: row, at: now) {
            return earlier
        }
        let partition = draft.stream.partition
        let turn: StreamQueues.Turn
        switch queues.enter(partition) {
        case .lead:
            defer { queues.leave(partition) }
            return try await append([submission], knowing: known)[0]
        case .follow(let seq, let place):
            if let message = try await follow(submission, seq, partition) { return .stored(message) }
            turn = await queues.fallBack(submission, place, partition)
        case .wait(let place): turn = await queues.wait(submission, place, partition)
        }
        switch turn {
        case .done(let result): return try result.get()
        case .lead(let others):
            defer { queues.leave(partition) }
            return try await lead(submission, others)
        }
    }

    /// Whether more messages are on their way into a stream, from this process.
    public func isAppending(to stream: MessageStream) -> Bool { queues.isBusy(stream.partition) }

    /// Writes a message behind those in flight, whose last will leave the head one below `seq`.
    /// - Returns: Nil when it did not, or the `clientMessageId` was used before: nothing is written, a look will tell, and
    ///   the write is still to be ended.
    private func follow(
        _ submission: Submission, _ seq: Int64, _ partition: String
    ) async throws(TableError) -> Message? {
        let message = submission.message(seq)
        let head = raise(submission.draft.stream, from: seq - 1, to: seq)
        do throws(TableError) {
            try await table.transact(puts(of: message, submission) + [head])
            queues.leave(partition)
            return message
        } catch {
            queues.void(partition)
            switch error {
            case .transactionFailed, .conflict: return nil
            // It may be written: trying again could write it twice.
            default:
                queues.leave(partition)
                throw error
            }
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
        _ submissions: [Submission], knowing known: ReadItems?
    ) async throws(TableError) -> [AppendOutcome] {
        var known = known
        return try await retrying("send") { () async throws(TableError) -> [AppendOutcome]? in
            let items: ReadItems
            if let read = known {
                items = read
                known = nil
            } else {
                let keys = submissions.flatMap(\.draft.keys)
                items = ReadItems(try await table.get(keys, strong: true))
            }
            let plan = AppendPlan(submissions, items)
            guard let last = plan.messages.last else { return plan.outcomes }
            let partition = last.submission.draft.stream.partition
            if table.appliesInOrder { queues.predict(partition, last.message.seq) }
            var isWritten = false
            defer { if !isWritten { queues.void(partition) } }
            isWritten = try await commit(actions(of: plan))
            return isWritten ? plan.outcomes : nil
        }
    }

    private func actions(of plan: AppendPlan) -> [TransactAction] {
        guard let last = plan.messages.last else { return [] }
        var actions: [TransactAction] = []
        for (message, submission) in plan.messages { actions += puts(of: message, submission) }
        let stream = last.submission.draft.stream
        if let head = plan.head {
            actions.append(raise(stream, from: head.seq, to: last.message.seq))
        } else {
            actions.append(.put(newHead(stream, seq: last.message.seq, at: last.message.sentAt), if: .itemAbsent))
        }
        return actions
    }

    /// The message, and what remembers it.
    private func puts(of message: Message, _ submission: Submission) -> [TransactAction] {
        let item = message.item(in: submission.draft.stream, keptFor: settings.historyTTL)
        return [.put(item, if: .itemAbsent)] + (submission.deduplicationRow(of: message).map { [$0] } ?? [])
    }

    private func raise(_ stream: MessageStream, from old: Int64, to new: Int64) -> TransactAction {
        .update(Update(stream.head, [.set("seq", .number(new))], if: .equals("seq", .number(old))))
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

    init(_ submissions: [Submission], _ items: ReadItems) {
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
            let message = submission.message(seq)
            messages.append((message, submission))
            outcomes.append(.stored(message))
            if let key {
                sent[key] = .duplicate(messageID: message.messageID, seq: message.seq, sentAt: message.sentAt)
            }
        }
    }
}

extension Submission {
    fileprivate func message(_ seq: Int64) -> Message {
        Message(
            destination: draft.stream.destination(from: draft.senderID), messageID: messageID, seq: seq,
            senderID: draft.senderID, body: draft.body, sentAt: sentAt)
    }

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
