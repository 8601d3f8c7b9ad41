import ChatBroadcast
import ChatModel
import ChatStore
import ChatWire

/// Saying something, by a client's connection or by a backend: store, acknowledge, fan out.
struct Speech: Sendable {
    let services: ChatServices
    let speaker: User
    /// The sending connection, which gets no copy; a backend has none.
    let connection: ConnectionID?

    /// What was said, and its fan-out.
    struct Said: Sendable {
        var acknowledgement: Acknowledgement
        var afterward: (@Sendable () async -> Void)?
    }

    /// - Parameter known: what was read of the draft's keys already, if all of them were.
    func say(
        _ body: String, to addressee: Addressee, _ clientMessageID: String?, knowing known: ReadItems?,
        at now: Timestamp
    ) async throws(RouteFailure) -> Said {
        guard let stream = Speech.stream(of: addressee, from: speaker) else { return announce(body, at: now) }
        let draft = Draft(stream: stream, senderID: speaker.id, body: body, clientMessageID: clientMessageID)
        let outcome = try await services.engine { () async throws(TableError) in
            try await services.repository.append(draft, knowing: known, at: now)
        }
        switch outcome {
        case .duplicate(let messageID, let seq, let sentAt):
            var ack = Acknowledgement(
                destination: addressee.destination, messageID: messageID, seq: seq, sentAt: sentAt)
            ack.duplicate = true
            if case .user = addressee { ack.delivered = 0 }
            return Said(acknowledgement: ack)
        case .stored(let message):
            services.metrics.add(.messagesStored)
            var ack = Acknowledgement(
                destination: addressee.destination, messageID: message.messageID, seq: message.seq,
                sentAt: message.sentAt)
            guard case .user(let receiver) = addressee else { return Said(acknowledgement: ack, afterward: fanOut(message, stream)) }
            let connections = await connections(with: receiver, at: now)
            ack.delivered = connections.receivers
            return Said(acknowledgement: ack) {
                await services.broadcaster.deliver(message, in: stream, to: connections.all)
            }
        }
    }

    private func fanOut(_ message: Message, _ stream: MessageStream) -> (@Sendable () async -> Void)? {
        guard case .room(let room) = stream else { return nil }
        return { await services.broadcaster.broadcast(message, in: room, except: connection) }
    }

    /// Where a direct message goes: the receiver's live connections and the sender's other ones.
    ///
    /// The message is stored already, so an engine that fails now makes it undelivered, not unsaid.
    private func connections(
        with receiver: UserID, at now: Timestamp
    ) async -> (all: [ConnectionID], receivers: Int) {
        var all: [ConnectionID] = []
        var receivers = 0
        for user in receiver == speaker.id ? [receiver] : [receiver, speaker.id] {
            do throws(TableError) {
                let live = try await services.repository.liveConnections(of: User(speaker.tenantID, user), at: now)
                let others = live.map(\.id).filter { $0 != connection }
                all += others
                if user == receiver { receivers = others.count }
            } catch {
                services.log.error("direct not delivered", ["error": "\(error)"])
            }
        }
        return (all, receivers)
    }

    /// To everyone in the tenant; nothing is stored.
    private func announce(_ body: String, at now: Timestamp) -> Said {
        var bits = RandomBits(services.random)
        let messageID = ULID.make(at: now, using: &bits)
        let frame = ServerFrame.everyone(messageID: messageID, senderID: speaker.id, body: body, sentAt: now)
        let ack = Acknowledgement(destination: nil, messageID: messageID, seq: nil, sentAt: now)
        return Said(acknowledgement: ack) {
            await services.broadcaster.broadcast(frame, toEveryoneIn: speaker.tenantID, except: connection)
        }
    }

    /// The room or conversation that numbers a message; nil for one to everyone, and while the room is not named.
    static func stream(of addressee: Addressee, from user: User) -> MessageStream? {
        switch addressee {
        case .room(let id): .room(Room(user.tenantID, id))
        case .user(let id): .direct(user.tenantID, between: user.id, and: id)
        case .everyone, .onlyRoom: nil
        }
    }

    static func draft(_ request: SendMessageRequest, _ user: User, in stream: MessageStream) -> Draft {
        Draft(stream: stream, senderID: user.id, body: request.body, clientMessageID: request.clientMessageID)
    }
}

extension Addressee {
    var destination: Destination? {
        switch self {
        case .room(let id): .room(id)
        case .user(let id): .user(id)
        case .everyone, .onlyRoom: nil
        }
    }
}

extension ChatServices {
    /// The partition of the room or conversation that a `sendMessage` frame goes to, for an engine that orders frames
    /// before it hands them out; nil if the frame names none that its sender may write to.
    public func streamPartition(of event: GatewayEvent) async -> String? {
        let envelope = event.frame
        guard envelope.fault == nil, let request = try? SendMessageRequest(envelope.fields),
            let id = ConnectionID(event.context.connectionID),
            let connection = try? await repository.connection(id)
        else { return nil }
        var addressee = request.addressee
        if addressee == .onlyRoom, connection.rooms.count == 1, let room = connection.rooms.first.flatMap({ RoomID($0) }) {
            addressee = .room(room)
        }
        return Speech.stream(of: addressee, from: User(connection.tenantID, connection.userID))?.partition
    }
}

extension PublishRequest {
    /// The partition of the room or conversation it speaks into; nil to everyone.
    public var streamPartition: String? { Speech.stream(of: addressee, from: User(tenantID, senderID))?.partition }
}
