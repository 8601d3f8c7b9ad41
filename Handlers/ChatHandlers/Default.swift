import ChatModel
import ChatStore
import ChatWire

/// `$default`: what no other route takes. `refreshToken` is served here; anything else is unknown.
public struct Default: Sendable {
    let services: ChatServices

    public init(_ services: ChatServices) { self.services = services }

    public func handle(_ event: GatewayEvent) async -> HandlerOutcome {
        let frame = ParsedFrame(event) { envelope throws(ChatError) in
            guard let action = envelope.action else { throw ChatError(.unknownAction, "action is missing or no string") }
            guard bytesEqual(action, "refreshToken") else { throw ChatError(.unknownAction, "there is no such action") }
            return try RefreshTokenRequest(envelope.fields)
        }
        return await services.answer(event, frame, reading: { [Keys.user($1)] }, lease: .byRoute, respond)
    }

    private func respond(
        _ request: RefreshTokenRequest, _ sender: Admission, _ requestID: RequestID?
    ) async throws(RouteFailure) -> Reply {
        let identity = try await verify(request.token, sender)
        let renewed = try await services.engine { () async throws(TableError) in
            try await services.repository.renew(
                sender.connection, tokenExpiresAt: identity.expiresAt, at: sender.now)
        }
        guard renewed != nil else { throw .client(.gone) }
        return Reply(ServerFrame.refreshed(expiresAt: identity.expiresAt, requestID))
    }

    /// A token of the same user and tenant, issued since the user was last removed; it moves the end of the connection and
    /// nothing else.
    private func verify(_ token: String, _ sender: Admission) async throws(RouteFailure) -> Identity {
        let refused = ChatError(.unauthorized, "the token is not valid for this connection")
        guard let verifier = services.verifier else { throw .client(refused) }
        let identity: Identity
        do throws(TokenFailure) {
            identity = Identity(try await verifier.claims(of: token, at: sender.now))
        } catch {
            switch error {
            case .refused: throw .client(refused)
            case .noKeys(let failure): throw .keySet(failure)
            }
        }
        guard identity.user == sender.user,
            !services.repository.refuses(sender.user, tokenIssuedAt: identity.issuedAt, by: sender.items)
        else { throw .client(refused) }
        return identity
    }
}
