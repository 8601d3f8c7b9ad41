import ChatModel
import ChatStore
import ChatWire
import Logs

/// A reply to the sender and the work after it.
struct Reply: Sendable {
    var frame: [UInt8]
    var afterward: (@Sendable () async -> Void)?

    init(_ frame: [UInt8], afterward: (@Sendable () async -> Void)? = nil) {
        self.frame = frame
        self.afterward = afterward
    }
}

/// One piece of work after another; nil if there is none.
private func inTurn(
    _ first: (@Sendable () async -> Void)?, _ second: (@Sendable () async -> Void)?
) -> (@Sendable () async -> Void)? {
    guard let first, let second else { return first ?? second }
    return {
        await first()
        await second()
    }
}

/// What stops a frame: the client is told, or a failure of ours is logged and the client told no more than `internal`.
enum RouteFailure: Error, Equatable {
    case client(ChatError)
    case engine(TableError)
    case keySet(KeySetFailure)

    /// For the log.
    var reason: String {
        switch self {
        case .client(let error): error.code.rawValue
        case .engine(let error): "\(error)"
        case .keySet(let failure): "no key set: \(failure.logReason)"
        }
    }
}

/// The sender of a frame, known to be connected, with what else was read for it.
struct Admission: Sendable {
    var connection: Connection
    var items: ReadItems
    /// What was asked for; an item that is not there was not found.
    var keys: [Key]
    var now: Timestamp

    var user: User { User(connection.tenantID, connection.userID) }
}

/// When a frame begins its connection's lease anew, if a quarter of it is spent.
enum LeaseRenewal: Sendable {
    /// After the reply, which does not speak of the lease.
    case afterward
    /// Before the reply, which does.
    case first
    /// The route writes the connection itself, unless it refuses the frame.
    case byRoute
}

/// A frame as a route's handler gets it: parsed and, if `Request` made sense of it, typed.
struct ParsedFrame<Request: Sendable>: Sendable {
    var envelope: FrameEnvelope
    /// What the frame asks for, or what is wrong with it.
    var request: Result<Request, ChatError>

    init(_ event: GatewayEvent, _ parse: (FrameEnvelope) throws(ChatError) -> Request) {
        envelope = event.frame
        if let fault = envelope.fault {
            request = .failure(fault)
        } else {
            do throws(ChatError) {
                request = .success(try parse(envelope))
            } catch {
                request = .failure(error)
            }
        }
    }

    func understood() throws(RouteFailure) -> Request {
        switch request {
        case .success(let request): return request
        case .failure(let error): throw .client(error)
        }
    }
}

extension ChatServices {
    /// Answers one frame: admits its sender, renews the lease, and turns every failure into its error frame.
    ///
    /// The status is always 200: with a route response API Gateway replaces the body of any other.
    /// - Parameters:
    ///   - keys: what `respond` decides by, read together with the connection.
    ///   - lease: when the lease is begun anew.
    func answer<Request: Sendable>(
        _ event: GatewayEvent, _ frame: ParsedFrame<Request>,
        reading keys: @Sendable (Request, User) -> [Key] = { _, _ in [] }, lease: LeaseRenewal = .afterward,
        _ respond: @Sendable (Request, Admission, RequestID?) async throws(RouteFailure) -> Reply
    ) async -> HandlerOutcome {
        let envelope = frame.envelope
        func fail(_ error: ChatError, afterward: (@Sendable () async -> Void)? = nil) -> HandlerOutcome {
            metrics.add(.framesRefused)
            let bytes = ServerFrame.error(error, action: envelope.echoedAction, requestID: envelope.requestID)
            return HandlerOutcome(ProxyResponse(body: bytes), afterward: afterward)
        }
        guard let id = ConnectionID(event.context.connectionID) else { return fail(.gone) }
        guard rates.admit(id, at: clock.now()) else { return fail(.rateLimited) }
        var renewal: (@Sendable () async -> Void)?
        do throws(RouteFailure) {
            var admission = try await admit(id, event) { user in
                if case .success(let request) = frame.request { keys(request, user) } else { [] }
            }
            switch lease {
            case .afterward: renewal = self.renewal(of: admission)
            case .first: try await renew(&admission)
            case .byRoute: renewal = self.renewal(of: admission)
            }
            let reply = try await respond(try frame.understood(), admission, envelope.requestID)
            if lease == .byRoute { renewal = nil }
            return HandlerOutcome(ProxyResponse(body: reply.frame), afterward: inTurn(reply.afterward, renewal))
        } catch {
            switch error {
            case .client(.tokenExpired): return fail(.tokenExpired, afterward: { await self.removeExpired(id) })
            case .client(let error): return fail(error, afterward: renewal)
            case .engine, .keySet:
                log.error(
                    "frame failed",
                    [
                        "error": error.reason, "action": envelope.echoedAction, "connectionId": id.text,
                        "requestId": event.context.requestID,
                    ])
                return fail(.internalError)
            }
        }
    }

    /// The sender's connection, if it may still speak.
    private func admit(
        _ id: ConnectionID, _ event: GatewayEvent, _ keys: (User) -> [Key]
    ) async throws(RouteFailure) -> Admission {
        let known = identities[id] ?? User(authorizer: event.context.authorizer)
        var wanted = known.map(keys) ?? []
        var session = try await engine { () async throws(TableError) in try await repository.session(id, with: wanted) }
        guard let connection = session.connection else { throw .client(.gone) }
        let user = User(connection.tenantID, connection.userID)
        if known != user {
            identities.remember(connection)
            wanted = keys(user)
            if !wanted.isEmpty {
                session = try await engine { () async throws(TableError) in try await repository.session(id, with: wanted) }
            }
        }
        guard let connection = session.connection, connection.ended == nil else { throw .client(.gone) }
        let now = clock.now()
        guard connection.tokenExpiresAt > now else { throw .client(.tokenExpired) }
        guard connection.isLive(at: now) else { throw .client(.gone) }
        return Admission(connection: connection, items: session.items, keys: wanted, now: now)
    }

    /// The write that begins the lease anew, once a quarter of it is spent; until then none.
    private func renewal(of admission: Admission) -> (@Sendable () async -> Void)? {
        guard isRenewalDue(admission.connection, at: admission.now) else { return nil }
        return {
            do throws(TableError) {
                _ = try await self.repository.renew(admission.connection, at: admission.now)
            } catch {
                self.log.warning("lease not renewed", ["connectionId": admission.connection.id.text, "error": "\(error)"])
            }
        }
    }

    private func renew(_ admission: inout Admission) async throws(RouteFailure) {
        let (connection, now) = (admission.connection, admission.now)
        guard isRenewalDue(connection, at: now) else { return }
        let renewed = try await engine { () async throws(TableError) in try await repository.renew(connection, at: now) }
        guard let renewed else { throw .client(.gone) }
        admission.connection = renewed
    }

    private func isRenewalDue(_ connection: Connection, at now: Timestamp) -> Bool {
        let fresh = repository.leaseEnd(from: now, tokenExpiresAt: connection.tokenExpiresAt)
        return now - connection.lastSeen >= settings.presenceTTL.milliseconds / 4 && fresh >= connection.expiresAt
    }

    /// Ends a connection whose token ran out, once it was told; unless it has a new one, which another instance took meanwhile.
    private func removeExpired(_ id: ConnectionID) async {
        let now = clock.now()
        do throws(TableError) {
            // Whoever ends it closes it too.
            if try await broadcaster.end(id, .expired, .ifExpired(now)) { return }
            if try await repository.connection(id)?.isLive(at: now) == true { return }
        } catch {
            log.warning("expired not ended", ["connectionId": id.text, "error": "\(error)"])
        }
        await poster.close(id, .tokenExpired)
    }

    /// The work of telling a room who came or went.
    func publication(_ pending: PendingPresence) -> @Sendable () async -> Void {
        { await self.broadcaster.publish(pending) }
    }

    /// Runs a call of the engine; its failure is the frame's.
    func engine<Value: Sendable>(
        _ call: () async throws(TableError) -> Value
    ) async throws(RouteFailure) -> Value {
        do throws(TableError) {
            return try await call()
        } catch {
            throw .engine(error)
        }
    }
}

extension User {
    /// The identity that a Lambda authorizer handed to every later event.
    init?(authorizer: [String: String]) {
        guard let tenant = authorizer["tenantId"].flatMap({ TenantID($0) }),
            let user = authorizer["userId"].flatMap({ UserID($0) })
        else { return nil }
        self.init(tenant, user)
    }
}
