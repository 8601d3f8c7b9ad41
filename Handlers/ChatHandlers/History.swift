import ChatModel
import ChatStore
import ChatWire

/// `history`: a page of a room's messages, or of the conversation with another user.
public struct History: Sendable {
    let services: ChatServices

    public init(_ services: ChatServices) { self.services = services }

    public func handle(_ event: GatewayEvent) async -> HandlerOutcome {
        let frame = ParsedFrame(event) { envelope throws(ChatError) in try HistoryRequest(envelope.fields) }
        return await services.answer(event, frame, respond)
    }

    private func respond(
        _ request: HistoryRequest, _ sender: Admission, _ requestID: RequestID?
    ) async throws(RouteFailure) -> Reply {
        let stream: MessageStream
        switch request.destination {
        case .room(let id):
            guard sender.connection.rooms.contains(id.text) else { throw .client(.notJoined) }
            stream = .room(Room(sender.user.tenantID, id))
        case .user(let id):
            stream = .direct(sender.user.tenantID, between: sender.user.id, and: id)
        }
        let range = request.before.map(HistoryRange.before) ?? request.after.map(HistoryRange.after) ?? .newest
        let page = try await services.engine { () async throws(TableError) in
            try await services.repository.history(
                stream, viewer: sender.user.id, range, limit: request.limit, at: sender.now)
        }
        let frame = ServerFrame.history(
            request.destination, page.messages, more: page.more, fromOldest: request.after != nil, requestID)
        return Reply(frame)
    }
}
