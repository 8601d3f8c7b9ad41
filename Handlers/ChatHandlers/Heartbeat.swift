import ChatModel
import ChatStore
import ChatWire

/// `heartbeat`: keeps an idle connection's lease, and tells the client when to come again.
///
/// Writes one item, and none while less than a quarter of the lease is spent.
public struct Heartbeat: Sendable {
    let services: ChatServices

    public init(_ services: ChatServices) { self.services = services }

    public func handle(_ event: GatewayEvent) async -> HandlerOutcome {
        let frame = ParsedFrame(event) { envelope throws(ChatError) in try HeartbeatRequest(envelope.fields) }
        return await services.answer(event, frame, lease: .first, respond)
    }

    private func respond(
        _ request: HeartbeatRequest, _ sender: Admission, _ requestID: RequestID?
    ) async throws(RouteFailure) -> Reply {
        let connection = sender.connection
        var rooms: [RoomID: Int64]?
        if request.rooms {
            rooms = try await services.engine { () async throws(TableError) in
                try await services.repository.heads(
                    connection.tenantID, connection.rooms.compactMap { RoomID($0) })
            }
        }
        let beat = HeartbeatReply(
            connectionID: connection.id, at: sender.now, expiresAt: connection.expiresAt,
            interval: services.settings.heartbeatInterval, reconnectBy: reconnectBy(connection), rooms: rooms)
        return Reply(ServerFrame.heartbeat(beat, requestID))
    }

    /// A tenth of the age limit before it, at most five minutes.
    private func reconnectBy(_ connection: Connection) -> Timestamp {
        let age = services.settings.maxConnectionAge
        return connection.connectedAt + Seconds(age.count - min(300, max(1, age.count / 10)))
    }
}
