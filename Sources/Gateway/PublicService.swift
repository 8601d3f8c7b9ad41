import ChatModel
import HTTPCodec
import Logs
import WebSocketCodec

/// The listener clients see: WebSocket on every path, a health check, and one page.
enum PublicService {
    static func make(_ core: GatewayCore, members: [LoopMembers]) -> HTTPService {
        var service = HTTPService { request, _ in respond(request, core.configuration) }
        service.limits = .listener(maxBodyBytes: Limits.requestBodyBytes)
        service.fields = .security
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
            guard let items = QueryItem.parse(head.query ?? ""), items.count <= Limits.queryItems,
                handshake.subprotocols.count <= Limits.subprotocols
            else {
                core.log.debug("handshake refused", ["fault": "its query or its subprotocols"])
                return .refused(.uniform(400))
            }
            query = items
            guard core.addresses.enter(channel.peer) else {
                core.log.info(
                    "connection refused", ["status": 429, "sourceIp": channel.peer.ip, "because": "too many connections of this address"])
                return .refused(.uniform(429))
            }
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
        guard isPlain(request.head.path) else { return .uniform(404) }
        return configuration.page?(request) ?? .uniform(404)
    }

    /// Whether a path names nothing but what is below it, however it is encoded, so that a page may look it up.
    private static func isPlain(_ path: String) -> Bool {
        guard let bytes = PercentCoding.decodedBytes(path) else { return false }
        let isText = !bytes.contains { $0 < 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "\\") }
        return isText && !bytes.split(separator: UInt8(ascii: "/")).contains { $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) }
    }
}
