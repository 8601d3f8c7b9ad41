import ChatHandlers
import ChatModel
import ChatStore
import ChatWire
import HTTPCodec
import Logs

/// The management listener's routes for backends: who is online in a tenant, speaking into it, and removing a user.
struct TenantRoutes: Sendable {
    let services: ChatServices
    let log: Log
    /// Runs the `Publish` handler: its status and body, and the fan-out.
    let publish: @Sendable ([UInt8], TenantID) async -> HandlerOutcome

    /// `GET /tenants/{tenant}/online[?room=R]`, `POST /tenants/{tenant}/messages` and
    /// `POST /tenants/{tenant}/users/{user}/kick`; nil for any other path.
    func answer(_ request: HTTPRequest) async -> HTTPResponse? {
        let parts = Array(request.head.path.split(separator: "/", omittingEmptySubsequences: false).dropFirst())
        guard parts.count >= 3, parts[0] == "tenants" else { return nil }
        let tenant = PercentCoding.decoded(String(parts[1])).flatMap { TenantID($0) }
        if parts.count == 5, parts[2] == "users", parts[4] == "kick" {
            guard request.head.method == "POST" else { return .notAllowed("POST") }
            return await kick(tenant, PercentCoding.decoded(String(parts[3])).flatMap { UserID($0) })
        }
        guard parts.count == 3 else { return nil }
        switch (request.head.method, parts[2]) {
        case ("GET", "online"), ("HEAD", "online"): return await online(tenant, request)
        case ("POST", "messages"): return await message(tenant, request)
        case (_, "online"): return .notAllowed("GET")
        case (_, "messages"): return .notAllowed("POST")
        default: return nil
        }
    }

    private func online(_ tenant: TenantID?, _ request: HTTPRequest) async -> HTTPResponse {
        guard let tenant else { return .failure(.badRequest("the tenant's id is malformed")) }
        var room: RoomID?
        if let name = QueryItem.parse(request.head.query ?? "")?.last(where: { $0.name == "room" })?.value {
            room = RoomID(name)
            if room == nil { return .failure(.badRequest("the room's id is malformed")) }
        }
        do throws(TableError) {
            let users = try await services.everyoneOnline(tenant, room)
            return HTTPResponse(status: 200, json: ServerFrame.onlineReport(tenant, users))
        } catch {
            log.error("online failed", ["tenant": tenant.text, "error": "\(error)"])
            return .failure(.internalError)
        }
    }

    /// Answers when tokens issued from then on are accepted: within two seconds.
    private func kick(_ tenant: TenantID?, _ user: UserID?) async -> HTTPResponse {
        guard let tenant else { return .failure(.badRequest("the tenant's id is malformed")) }
        guard let user else { return .failure(.badRequest("the user's id is malformed")) }
        do throws(KickError) {
            let kick = Kick(services)
            let report = try await kick.run(User(tenant, user))
            try await kick.settle(report)
            return HTTPResponse(status: 200, json: report.encoded())
        } catch {
            log.error("kick failed", ["tenant": tenant.text, "user": user.text, "error": "\(error)"])
            return .failure(.internalError)
        }
    }

    private func message(_ tenant: TenantID?, _ request: HTTPRequest) async -> HTTPResponse {
        guard let tenant else { return .failure(.badRequest("the tenant's id is malformed")) }
        let outcome = await publish(request.body, tenant)
        if let afterward = outcome.afterward { Task { await afterward() } }
        return HTTPResponse(status: outcome.response.statusCode, json: outcome.response.body ?? [])
    }
}

extension HTTPResponse {
    fileprivate static func failure(_ error: ChatError) -> HTTPResponse {
        HTTPResponse(status: error.code.status, json: ServerFrame.error(error))
    }

    fileprivate static func notAllowed(_ method: String) -> HTTPResponse {
        HTTPResponse(
            status: 405, json: ServerFrame.error(.badRequest("only \(method) is allowed here")), fields: ["Allow": method])
    }
}
