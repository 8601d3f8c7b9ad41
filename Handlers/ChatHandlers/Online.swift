import ChatModel
import ChatStore
import ChatWire

/// `online`: who is there, in a room or in the whole tenant, by unexpired leases.
public struct Online: Sendable {
    let services: ChatServices

    public init(_ services: ChatServices) { self.services = services }

    public func handle(_ event: GatewayEvent) async -> HandlerOutcome {
        let frame = ParsedFrame(event) { envelope throws(ChatError) in try OnlineRequest(envelope.fields) }
        return await services.answer(event, frame, respond)
    }

    private func respond(
        _ request: OnlineRequest, _ sender: Admission, _ requestID: RequestID?
    ) async throws(RouteFailure) -> Reply {
        if let room = request.roomID, !sender.connection.rooms.contains(room.text) { throw .client(.notJoined) }
        let page = try await services.engine { () async throws(TableError) in
            try await services.repository.online(
                sender.user.tenantID, request.roomID, after: request.after, limit: request.limit, at: sender.now)
        }
        return Reply(ServerFrame.online(page.users, more: page.more, requestID))
    }
}

extension ChatServices {
    /// Everybody who is online, page after page, for an operator or a backend.
    public func everyoneOnline(_ tenant: TenantID, _ room: RoomID?) async throws(TableError) -> [OnlineUser] {
        try await repository.everyoneOnline(tenant, room, at: clock.now())
    }
}
