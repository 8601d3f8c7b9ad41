import HTTPCodec
import WebSocketCodec

/// The listener clients see: WebSocket on every path, a health check, and one page.
enum PublicService {
    static func make(_ core: GatewayCore, members: [LoopMembers]) -> HTTPService {
        var service = HTTPService { request, _ in respond(request, core.configuration) }
        service.limits = HTTPLimits(maxBodyBytes: 64 * 1024)
        service.refuse = { fault in
            core.log.debug("malformed request", ["fault": fault.reason])
            return .uniform(fault.status)
        }
        service.upgrade = { head, channel, received in
            let query: [QueryItem]
            let handshake: WebSocketHandshake
            do throws(WebSocketHandshakeFault) {
                handshake = try WebSocketHandshake.validate(head)
            } catch {
                core.log.debug("handshake refused", ["fault": "\(error)"])
                return .refused(.uniform(error.response.status, fields: error.response.fields))
            }
            guard let items = QueryItem.parse(head.query ?? "") else { return .refused(.uniform(400)) }
            query = items
            guard let members = members.first(where: { $0.loop === channel.loop }) else {
                preconditionFailure("a channel of no loop")
            }
            _ = GatewayConnection(
                core: core, members: members, channel: channel, handshake: handshake, head: head, query: query,
                received: received)
            return .taken
        }
        return service
    }

    private static func respond(_ request: HTTPRequest, _ configuration: GatewayConfiguration) -> HTTPResponse {
        guard ["GET", "HEAD"].contains(request.head.method) else {
            return .uniform(405, fields: ["Allow": "GET, HEAD"])
        }
        if request.head.path == "/healthz" { return .healthy }
        return configuration.page?(request) ?? .uniform(404)
    }
}
