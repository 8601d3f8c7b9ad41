import ChatModel
import ChatStore
import ChatWire
import Logs

/// `joinRoom`: into the room, then what is there: the members, the newest `seq`, and what was missed since.
///
/// Membership is written before the head is read, so a member who got `joined` misses no later message.
public struct JoinRoom: Sendable {
    let services: ChatServices

    public init(_ services: ChatServices) { self.services = services }

    public func handle(_ event: GatewayEvent) async -> HandlerOutcome {
        let frame = ParsedFrame(event) { envelope throws(ChatError) in try JoinRoomRequest(envelope.fields) }
        return await services.answer(event, frame, respond)
    }

    private func respond(
        _ request: JoinRoomRequest, _ sender: Admission, _ requestID: RequestID?
    ) async throws(RouteFailure) -> Reply {
        guard sender.connection.allows(request.roomID) else {
            throw .client(ChatError(.forbidden, "the token does not allow this room"))
        }
        let room = Room(sender.user.tenantID, request.roomID)
        let outcome = try await services.engine { () async throws(TableError) in
            try await services.repository.join(sender.connection.id, sender.user, room, at: sender.now)
        }
        let pending: PendingPresence?
        switch outcome {
        case .joined(let event): pending = event
        case .alreadyJoined: pending = nil
        case .gone: throw .client(.gone)
        case .tooManyRooms:
            throw .client(
                ChatError(.limitExceeded, "a connection is in at most \(Limits.roomsPerConnection) rooms"))
        }
        let publication = pending.map(services.publication)
        // From here on the user is in the room: whatever fails, that is told to the others.
        do throws(TableError) {
            let joined = try await describe(room, request, sender)
            return Reply(joined.encoded(requestID), afterward: publication)
        } catch {
            services.log.error("joined incomplete", ["room": room.id.text, "error": "\(error)"])
            let frame = ServerFrame.error(.internalError, action: Route.joinRoom.rawValue, requestID: requestID)
            return Reply(frame, afterward: publication)
        }
    }

    private func describe(
        _ room: Room, _ request: JoinRoomRequest, _ sender: Admission
    ) async throws(TableError) -> JoinedReply {
        let repository = services.repository
        guard let head = try await repository.head(.room(room)) else { throw .unavailable("the room has no head") }
        let roster = try await services.rooms.roster(room, limit: Limits.listedMembers)
        var recovery: JoinedReply.Recovery?
        if let since = request.since { recovery = try await recover(room, since, request.epoch, head, sender) }
        return JoinedReply(
            roomID: room.id, connectionID: sender.connection.id, seq: head.seq, epoch: head.epoch,
            members: roster.members, memberCount: roster.count, recovery: recovery)
    }

    /// What was said after `since`, and whether that is provably all of it: the history is the same one, `since` is not
    /// beyond it, and every message from the next one to the head is there.
    private func recover(
        _ room: Room, _ since: Int64, _ epoch: String?, _ head: StreamHead, _ sender: Admission
    ) async throws(TableError) -> JoinedReply.Recovery {
        guard epoch == nil || epoch.map({ bytesEqual($0, head.epoch) }) == true, since <= head.seq else {
            return JoinedReply.Recovery(missed: [], recovered: false)
        }
        if since == head.seq { return JoinedReply.Recovery(missed: [], recovered: true) }
        let (missed, more) = try await services.repository.history(
            .room(room), viewer: sender.user.id, .after(since), limit: Limits.historyPage, at: sender.now)
        // Messages age out one by one, and not always the oldest first: clocks and settings differ between instances.
        let last = missed.last?.seq ?? since
        let isWhole = !more && last >= head.seq && last - since == missed.count
        return JoinedReply.Recovery(missed: missed, recovered: isWhole)
    }
}
