import ChatHandlers
import ChatModel
import ChatStore
import ChatWire
import HTTPCodec
import Logs

/// The management listener's routes for backends: who is online in a tenant, and speaking into it.
struct TenantRoutes: Sendable {
    let services: ChatServices
    let log: Log
    /// Runs the `Publish` handler: its status and body, and the fan-out.
    let publish: @Sendable ([UInt8], TenantID) async -> HandlerOutcome

    /// `GET /tenants/{tenant}/online[?room=R]` and `POST /tenants/{tenant}/messages`; nil for any other path.
    func answer(_ request: HTTPRequest) async -> HTTPResponse? {
        let parts = request.head.path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        guard parts.count == 3, parts.first == "tenants", let last = parts.last else { return nil }
        let tenant = PercentCoding.decoded(String(parts[parts.startIndex + 1])).flatMap { TenantID($0) }
        switch (request.head.method, last) {
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
