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
            let connection = try await identify(event, id, at: services.clock.now())
            try await open(connection)
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

    private func identify(
        _ event: GatewayEvent, _ id: ConnectionID, at now: Timestamp
    ) async throws(Refusal) -> Connection {
        let claims: Identity
        if let authorized = Identity(authorizer: event.context.authorizer, now) {
            // A lease that is over before it begins would never be looked at by the sweep.
            guard authorized.expiresAt > now else { throw .token(.expired) }
            claims = authorized
        } else {
            claims = try await services.entrance.identify(event, at: now)
        }
        return Connection(
            id: id, tenantID: claims.user.tenantID, userID: claims.user.id, connectedAt: now,
            expiresAt: services.repository.leaseEnd(from: now, tokenExpiresAt: claims.expiresAt), lastSeen: now,
            tokenExpiresAt: claims.expiresAt, allowedRooms: claims.rooms, roles: claims.roles)
    }

    /// Opens the connection; at the cap, connections that are counted and dead are ended and it is tried once more.
    private func open(_ connection: Connection) async throws(Refusal) {
        do throws(TableError) {
            guard case .full(let dead) = try await services.repository.open(connection) else { return }
            if !dead.isEmpty {
                for id in dead { try await services.broadcaster.clear(id, User(connection.tenantID, connection.userID)) }
                if case .opened = try await services.repository.open(connection) { return }
            }
        } catch {
            throw .engine(error)
        }
        throw .tooManyConnections
    }

    /// Agrees to `muster.v1` if the client offered it; never repeats the token offered beside it.
    private func subprotocol(_ event: GatewayEvent) -> [String: String] {
        BearerToken.subprotocols(of: event).contains(BearerToken.subprotocol)
            ? ["Sec-WebSocket-Protocol": BearerToken.subprotocol] : [:]
    }
}
