import ChatModel
import HTTPCodec
import JSONCoding
import WebSocketCodec

/// The management listener: `@connections` as boto3's `apigatewaymanagementapi` client speaks it, and what else the
/// configuration serves there.
///
/// Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
struct ManagementService: Sendable {
    let gateway: Gateway
    let configuration: GatewayConfiguration

    var service: HTTPService {
        var service = HTTPService { request, _ in await respond(request) }
        // PostToConnection's own limit: whatever is larger is refused before it has arrived.
        service.limits = .listener(maxBodyBytes: Limits.messageBytes)
        service.fields = .security
        service.refuse = { fault in
            fault == .bodyTooLarge ? Fault.payloadTooLarge.response : .uniform(fault.status)
        }
        return service
    }

    private func respond(_ request: HTTPRequest) async -> HTTPResponse {
        if request.head.path == "/healthz" { return health(request) }
        if let refusal = refusal(of: request.head) { return refusal }
        switch ConnectionPath(request.head.path, stage: configuration.stage) {
        case .connection(let id): return serve(request, id)
        case .fault(let fault): return fault.response
        case .other: return await configuration.extraRoutes?(request) ?? .uniform(404)
        }
    }

    private func health(_ request: HTTPRequest) -> HTTPResponse {
        ["GET", "HEAD"].contains(request.head.method) ? .healthy : .uniform(405, fields: ["Allow": "GET, HEAD"])
    }

    /// What answers a request that may not be served; the answer never says why, the log does.
    private func refusal(of head: HTTPRequestHead) -> HTTPResponse? {
        if let token = configuration.managementToken {
            let given = head.fields.first("Authorization")
            if let given, isEqual(given, "Bearer \(token)") { return nil }
            configuration.log.info("management request refused", ["because": given == nil ? "no token" : "another token"])
            return .uniform(401, fields: ["WWW-Authenticate": "Bearer"])
        }
        guard let fault = BrowserGuard(host: configuration.managementHost).fault(of: head) else { return nil }
        configuration.log.info("management request refused", ["because": fault.rawValue])
        return .uniform(403)
    }

    /// Compares in a time that does not tell how much of the token was right.
    private func isEqual(_ given: String, _ wanted: String) -> Bool {
        guard given.utf8.count == wanted.utf8.count else { return false }
        return zip(given.utf8, wanted.utf8).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private func serve(_ request: HTTPRequest, _ id: ConnectionID) -> HTTPResponse {
        switch request.head.method {
        case "POST": post(request.body, to: id)
        case "GET", "HEAD": describe(id)
        case "DELETE": close(id, query: request.head.query)
        default: .uniform(405, fields: ["Allow": "GET, POST, DELETE"])
        }
    }

    private func post(_ body: [UInt8], to id: ConnectionID) -> HTTPResponse {
        guard String(validating: body, as: UTF8.self) != nil else { return Fault.badRequest("The data is not UTF-8").response }
        return gateway.post(body, to: [id]).isEmpty ? HTTPResponse(status: 200) : Fault.gone.response
    }

    private func describe(_ id: ConnectionID) -> HTTPResponse {
        guard let info = gateway.info(id) else { return Fault.gone.response }
        var json = JSONWriter(capacity: 256)
        json.beginObject()
        json.member("connectedAt", info.connectedAt.description)
        json.name("identity")
        json.beginObject()
        json.member("sourceIp", info.sourceIP)
        json.member("userAgent", info.userAgent)
        json.endObject()
        json.member("lastActiveAt", info.lastActiveAt.description)
        json.endObject()
        return HTTPResponse(status: 200, json: json.bytes)
    }

    private func close(_ id: ConnectionID, query: String?) -> HTTPResponse {
        let (code, reason): (WebSocketCloseCode, String)
        switch QueryItem.parse(query ?? "")?.last(where: { $0.name == "code" })?.value {
        case nil: (code, reason) = (.normal, "")
        case "1001": (code, reason) = (.goingAway, "Going away")
        case "4401": (code, reason) = (.tokenExpired, "Token expired")
        case "4403": (code, reason) = (.removedByOperator, "Removed by an operator")
        default: return Fault.badRequest("code is 1001, 4401 or 4403").response
        }
        return gateway.close(id, code: code, reason: reason) ? HTTPResponse(status: 204) : Fault.gone.response
    }
}
