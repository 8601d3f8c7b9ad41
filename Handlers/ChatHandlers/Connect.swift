import ChatModel
import ChatStore
import ChatWire
import Logs

/// `$connect`: who is it, may they come in, and is there room for one more connection of theirs.
///
/// Answers 200, or 401 (no valid token), 403 (origin), 429 (too many connections), 500; the answer never says which check
/// failed, the log does.
public struct Connect: Sendable {
    let services: ChatServices

    public init(_ services: ChatServices) { self.services = services }

    public func handle(_ event: GatewayEvent) async -> HandlerOutcome {
        do throws(Refusal) {
            guard let id = ConnectionID(event.context.connectionID) else { throw .malformed }
            try services.entrance.checkOrigin(event)
            let now = services.clock.now()
            let identity = try await identify(event, at: now)
            let connection = connection(id, identity, at: now)
            try await open(connection, tokenIssuedAt: identity.issuedAt)
            services.metrics.add(.connectionsOpened)
            services.identities.remember(connection)
            services.log.debug(
                "connected",
                ["connectionId": id.text, "tenant": connection.tenantID.text, "user": connection.userID.text])
            return HandlerOutcome(ProxyResponse(headers: subprotocol(event)))
        } catch {
            let log = services.log.with(
                ["connectionId": event.context.connectionID, "requestId": event.context.requestID])
            switch error {
            case .engine, .keySet: log.error("connect failed", ["error": error.reason])
            default: log.info("connect refused", ["reason": error.reason])
            }
            return HandlerOutcome(ProxyResponse(statusCode: error.status))
        }
    }

    private func identify(_ event: GatewayEvent, at now: Timestamp) async throws(Refusal) -> Identity {
        guard let authorized = Identity(authorizer: event.context.authorizer, now) else {
            return try await services.entrance.identify(event, at: now)
        }
        // A lease that is over before it begins would never be looked at by the sweep.
        guard authorized.expiresAt > now else { throw .token(.expired) }
        return authorized
    }

    private func connection(_ id: ConnectionID, _ identity: Identity, at now: Timestamp) -> Connection {
        Connection(
            id: id, tenantID: identity.user.tenantID, userID: identity.user.id, connectedAt: now,
            expiresAt: services.repository.leaseEnd(from: now, tokenExpiresAt: identity.expiresAt), lastSeen: now,
            tokenExpiresAt: identity.expiresAt, allowedRooms: identity.rooms, roles: identity.roles)
    }

    /// Opens the connection; at the cap, connections that are counted and dead are ended and it is tried once more.
    private func open(_ connection: Connection, tokenIssuedAt: Int64?) async throws(Refusal) {
        var outcome: OpenOutcome
        do throws(TableError) {
            outcome = try await services.repository.open(connection, tokenIssuedAt: tokenIssuedAt)
            if case .full(let dead) = outcome {
                if !dead.isEmpty {
                    for id in dead { try await services.broadcaster.clear(id, User(connection.tenantID, connection.userID)) }
                    outcome = try await services.repository.open(connection, tokenIssuedAt: tokenIssuedAt)
                }
            }
        } catch {
            throw .engine(error)
        }
        switch outcome {
        case .opened: return
        case .refused: throw .removed
        case .full: throw .tooManyConnections
        }
    }

    /// Agrees to `muster.v1` if the client offered it; never repeats the token offered beside it.
    private func subprotocol(_ event: GatewayEvent) -> [String: String] {
        BearerToken.subprotocols(of: event).contains(BearerToken.subprotocol)
            ? ["Sec-WebSocket-Protocol": BearerToken.subprotocol] : [:]
    }
}
