import ChatModel
import ChatStore
import ChatWire

/// `leaveRoom`: out of the room; for a room not joined the answer is the same and nothing happens.
public struct LeaveRoom: Sendable {
    let services: ChatServices

    public init(_ services: ChatServices) { self.services = services }

    public func handle(_ event: GatewayEvent) async -> HandlerOutcome {
        let frame = ParsedFrame(event) { (envelope) throws(ChatError) in try LeaveRoomRequest(envelope.fields) }
        return await services.answer(event, frame) { request, sender, requestID throws(RouteFailure) in
            let reply = ServerFrame.left(request.roomID, requestID)
            guard sender.connection.rooms.contains(request.roomID.text) else { return Reply(reply) }
            let left = try await services.engine { () async throws(TableError) in
                try await services.repository.leave(
                    sender.connection.id, sender.user, Room(sender.user.tenantID, request.roomID), .left, noting: true,
                    at: sender.now)
            }
            return Reply(reply, afterward: left.map { left in { await services.broadcaster.publish(left) } })
        }
    }
}
