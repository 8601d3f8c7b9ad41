import ChatModel
import ChatStore
import ChatWire

/// `sendMessage`: stored, acknowledged, then told to everyone it is for, in that order.
public struct SendMessage: Sendable {
    let services: ChatServices

    public init(_ services: ChatServices) { self.services = services }

    public func handle(_ event: GatewayEvent) async -> HandlerOutcome {
        let frame = ParsedFrame(event) { envelope throws(ChatError) in try SendMessageRequest(envelope.fields) }
        let repository = services.repository
        let read: @Sendable (SendMessageRequest, User) -> [Key] = { request, user in
            guard let stream = Speech.stream(of: request.addressee, from: user) else { return [] }
            // Behind a message that is being written the head is not needed, or will have to be read anew.
            return repository.isAppending(to: stream) ? [] : Speech.draft(request, user, in: stream).keys
        }
        return await services.answer(event, frame, reading: read, respond)
    }

    private func respond(
        _ request: SendMessageRequest, _ sender: Admission, _ requestID: RequestID?
    ) async throws(RouteFailure) -> Reply {
        let addressee = try named(request.addressee, sender)
        if addressee == .everyone, !sender.connection.roles.contains("admin") {
            throw .client(ChatError(.forbidden, "only an admin may send to everyone"))
        }
        let speech = Speech(services: services, speaker: sender.user, connection: sender.connection.id)
        let known = sender.keys.isEmpty ? nil : sender.items
        let said = try await speech.say(
            request.body, to: addressee, request.clientMessageID, knowing: known, at: sender.now)
        return Reply(said.acknowledgement.encoded(requestID), afterward: said.afterward)
    }

    /// The addressee with its room named, which the sender must be in.
    private func named(_ addressee: Addressee, _ sender: Admission) throws(RouteFailure) -> Addressee {
        let rooms = sender.connection.rooms
        switch addressee {
        case .user, .everyone: return addressee
        case .room(let id):
            guard rooms.contains(id.text) else { throw .client(.notJoined) }
            return addressee
        case .onlyRoom:
            guard let only = rooms.first.flatMap({ RoomID($0) }) else { throw .client(.notJoined) }
            guard rooms.count == 1 else {
                throw .client(.badRequest("roomId is needed while the connection is in several rooms"))
            }
            return .room(only)
        }
    }
}
