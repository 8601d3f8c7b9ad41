import ChatModel
import ChatStore

extension Witness {
    func head(_ partition: String, _ change: ItemChange) {
        guard let new = change.new else { return fail(.seqGapless, "the head of \(partition) is deleted") }
        let epoch = new.string("epoch")
        if let known = streams[partition]?.epoch, known != epoch { fail(.seqGapless, "\(partition) has another epoch") }
        streams[partition, default: StreamTruth()].epoch = epoch
        heads[partition] = new.number("seq") ?? 0
        touchedHeads.insert(partition)
    }

    func message(_ partition: String, _ change: ItemChange) {
        guard let new = change.new else {
            guard let seq = change.old?.number("seq"), let message = streams[partition]?.messages.at(seq) else { return }
            message.isDeleted = true
            if message.expiresAt.map({ $0 * 1000 > wallClock }) ?? true { fail(.seqGapless, "message \(seq) of \(partition) is deleted") }
            return
        }
        let message = MessageTruth(new, order: order, time: executor.now)
        let newest = Int64(streams[partition]?.messages.count ?? 0)
        guard change.old == nil, message.seq == newest + 1 else {
            return fail(.seqGapless, "message \(message.seq) of \(partition) is written after \(newest)")
        }
        streams[partition, default: StreamTruth()].messages.append(message)
        messagesByID[message.id] = message
        touchedHeads.insert(partition)
        guard let saying = sayings[message.body], partition == self.partition(of: saying) else {
            return fail(.tenantIsolated, "\(message.body) is stored in \(partition)")
        }
        if message.sender != saying.sender { fail(.storedBeforeAck, "\(message.body) is stored as by \(message.sender)") }
    }

    /// The head of a stream is its newest message, after every commit.
    func checkHeads() {
        for partition in touchedHeads where heads[partition] != Int64(streams[partition]?.messages.count ?? 0) {
            fail(.seqGapless, "the head of \(partition) is \(heads[partition] ?? -1), its newest message \(streams[partition]?.messages.count ?? 0)")
        }
        touchedHeads = []
    }

    func partition(of saying: Saying) -> String? {
        guard let tenant = TenantID(saying.tenant), let sender = UserID(saying.sender) else { return nil }
        switch saying.target {
        case .room(let room): return RoomID(room).map { Keys.roomPartition(Room(tenant, $0)) }
        case .user(let user): return UserID(user).map { MessageStream.direct(tenant, between: sender, and: $0).partition }
        case .everyone: return nil
        }
    }

    // MARK: - Acknowledged

    /// An acknowledgement is about to leave.
    func acknowledged(_ saying: Saying, _ ack: Frame, _ invocation: Invocation) {
        checkMaySpeak(saying, invocation)
        guard let id = ack.string("messageId") else { return fail(.storedBeforeAck, "an ack without a messageId") }
        guard let partition = partition(of: saying) else {
            announcedBy[invocation.number] = saying.body
            return
        }
        guard let seq = ack.int("seq"), let message = messagesByID[id], message.partition == partition, message.seq == seq else {
            return fail(.storedBeforeAck, "\(saying.body): \(ack)")
        }
        saying.acks.append((id, seq))
        if ack.bool("duplicate") == true { return duplicate(saying, message, ack) }
        guard message.body == saying.body else { return fail(.storedBeforeAck, "\(saying.body) is acked as \(message.body)") }
        if message.order <= invocation.startOrder { fail(.duplicateIsSame, "\(saying.body) was stored before, and is acked as new") }
        told[invocation.number, default: []].append(message)
        message.publisher = invocation
        if case .user(let receiver) = saying.target { delivered(message, receiver, ack, invocation) }
    }

    private func checkMaySpeak(_ saying: Saying, _ invocation: Invocation) {
        guard let id = invocation.connection else { return }
        switch saying.target {
        case .room(let name): mustBeMember(id, "ROOM#\(saying.tenant)#\(name)", invocation)
        case .everyone:
            if socket(id)?.device.maySpeakToEveryone != true { fail(.refusedWhereDue, "\(id) is no admin and speaks to everyone") }
        case .user: break
        }
    }

    private func duplicate(_ saying: Saying, _ message: MessageTruth, _ ack: Frame) {
        guard let original = sayings[message.body], let id = saying.clientMessageID, original.clientMessageID == id,
            original.sender == saying.sender, original.tenant == saying.tenant, original.target == saying.target
        else { return fail(.duplicateIsSame, "\(saying.body) is told to be \(message.body)") }
        if executor.now - message.time > Witness.deduplication + 2000 {
            fail(.duplicateIsSame, "\(saying.body) is told to be a message of more than ten minutes ago")
        }
    }

    /// `delivered` counts the receiver's live connections, but for the sender's own.
    private func delivered(_ message: MessageTruth, _ receiver: String, _ ack: Frame, _ invocation: Invocation) {
        guard invocation.isClean, let count = ack.int("delivered") else { return }
        let theirs = connections.values.filter { $0.tenant == sayings[message.body]?.tenant && $0.user == receiver && $0.id != invocation.connection }
        let slack = Int64(scenario.skew) + 1
        let least = theirs.count { $0.isLive(from: invocation.startedAt - slack, to: executor.now + slack) }
        let most = theirs.count { $0.wasLive(from: invocation.startedAt - slack, to: executor.now + slack) }
        if count < Int64(least) || count > Int64(most) {
            fail(.directDelivered, "\(message.body) is delivered to \(count) connections of \(receiver), of \(least) to \(most)")
        }
    }

    // MARK: - Told

    /// An event's work is over: everyone who was there all the time was tried.
    func judgeMessages(of invocation: Invocation) {
        if let body = announcedBy.removeValue(forKey: invocation.number), invocation.isClean { judgeAnnouncement(body, invocation) }
        guard let messages = told.removeValue(forKey: invocation.number), invocation.isClean else { return }
        for message in messages {
            guard let saying = sayings[message.body] else { continue }
            switch saying.target {
            case .room: judgeRoom(message, invocation)
            case .user(let receiver): judgeDirect(message, [receiver, saying.sender], saying.tenant, invocation)
            case .everyone: break
            }
        }
    }

    private func judgeRoom(_ message: MessageTruth, _ invocation: Invocation) {
        for (id, since) in rooms[message.partition]?.members.sorted(by: { $0.key < $1.key }) ?? []
        where since < message.order && id != invocation.connection && !message.tried.contains(id) {
            guard let truth = connections[id], truth.ended == nil, !truth.isDeleted else { continue }
            return fail(.memberMissesNothing, "\(message.body) (seq \(message.seq)) is not posted to \(id), a member since before")
        }
    }

    private func judgeDirect(_ message: MessageTruth, _ users: [String], _ tenant: String, _ invocation: Invocation) {
        let slack = Int64(scenario.skew) + 1
        for connection in connections.values.sorted(by: { $0.id < $1.id })
        where connection.tenant == tenant && users.contains(connection.user) && connection.id != invocation.connection
            && connection.isLive(from: invocation.startedAt - slack, to: executor.now + slack) && !message.tried.contains(connection.id)
        {
            return fail(.directDelivered, "\(message.body) is not posted to \(connection.id) of \(connection.user)")
        }
    }

    private func judgeAnnouncement(_ body: String, _ invocation: Invocation) {
        guard let saying = sayings[body] else { return }
        let tried = announced[body] ?? []
        // What the index did not show yet is not known.
        let known = scenario.lag > 0 ? min(lastUnsettled(before: invocation.startedAt), invocation.startedAt) : invocation.startedAt
        for connection in connections.values.sorted(by: { $0.id < $1.id })
        where connection.tenant == saying.tenant && connection.id != invocation.connection
            && connection.isLive(from: known, to: executor.now) && !tried.contains(connection.id)
        {
            return fail(.everyoneReached, "\(body) is not posted to \(connection.id)")
        }
    }

    /// Before which moment everything was written that indexes show at a time.
    func lastUnsettled(before time: Int64) -> Int64 { (settlings.last { $0 <= time } ?? 0) - 1 }
}

extension [MessageTruth] {
    func at(_ seq: Int64) -> MessageTruth? { seq >= 1 && seq <= count ? self[Int(seq) - 1] : nil }
}
