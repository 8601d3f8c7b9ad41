import ChatModel
import ChatStore
import ChatWire

/// `leaveRoom`: out of the room; for a room not joined the answer is the same and nothing happens.
public struct LeaveRoom: Sendable {
    let services: ChatServices

    public init(_ services: ChatServices) { self.services = services }

    public func handle(_ event: GatewayEvent) async -> HandlerOutcome {
        let frame = ParsedFrame(event) { envelope throws(ChatError) in try LeaveRoomRequest(envelope.fields) }
        return await services.answer(event, frame, respond)
    }

    private func respond(
        _ request: LeaveRoomRequest, _ sender: Admission, _ requestID: RequestID?
    ) async throws(RouteFailure) -> Reply {
        let reply = ServerFrame.left(request.roomID, requestID)
        guard sender.connection.rooms.contains(request.roomID.text) else { return Reply(reply) }
        let left = try await services.engine { () async throws(TableError) in
            try await services.repository.leave(
                sender.connection.id, sender.user, Room(sender.user.tenantID, request.roomID), .left, noting: true,
                at: sender.now)
        }
        return Reply(reply, afterward: left.map(services.publication))
    }
}
