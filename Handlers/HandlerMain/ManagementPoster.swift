import ChatBroadcast
import ChatHandlers
import ChatModel
import HTTPCodec
import Logs
import LoopbackHTTP
import Synchronization

/// Posts through `@connections` of a gateway that speaks plain HTTP: the local one, or an emulator.
/// Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
final class ManagementPoster: Poster {
    private let path: String
    private let fields: HTTPFields
    private let log: Log
    private let connection: Mutex<LoopbackHTTPConnection>

    private static let timeout: Duration = .seconds(5)

    /// - Parameter endpoint: with the stage, as boto3's `endpoint_url`: `http://127.0.0.1:8081/local`.
    init(endpoint: String, token: String?, log: Log) throws(SettingError) {
        guard let (host, port, path) = ManagementPoster.split(endpoint) else {
            throw SettingError("WEBSOCKET_ENDPOINT is no http:// URL with a host, a port and a stage")
        }
        self.path = path
        var fields: HTTPFields = [:]
        if let token { fields.set("Authorization", "Bearer \(token)") }
        self.fields = fields
        self.log = log
        connection = Mutex(LoopbackHTTPConnection(host: host, port: port))
    }

    func post(_ frame: [UInt8], to connections: [ConnectionID]) async -> Delivery {
        var delivery = Delivery()
        for id in connections {
            let status = request("POST", id, frame)
            if status == 410 {
                delivery.gone.append(id)
            } else if status != 200 {
                delivery.failed.append(id)
                if let status { log.warning("post refused", ["connectionId": id.text, "status": status]) }
            }
        }
        return delivery
    }

    func close(_ connection: ConnectionID, _ code: ServerClose) async {
        // The query is an extension of the local gateway, for the codes that API Gateway does not have.
        _ = request("DELETE", connection, [], query: "?code=\(code.rawValue)")
    }

    /// - Returns: the status, or nil if there was no answer. A request may be sent twice: a frame that comes again is dropped
    ///   by its `seq` or version, and one that never comes would be lost.
    private func request(_ method: String, _ id: ConnectionID, _ body: [UInt8], query: String = "") -> Int? {
        let target = "\(path)/@connections/\(PercentCoding.encoded(id.text))\(query)"
        do throws(LoopbackHTTPError) {
            return try connection.withLock { connection throws(LoopbackHTTPError) in
                try connection.send(
                    method: method, target: target, fields: fields, body: body,
                    deadline: ContinuousClock.now + ManagementPoster.timeout, isRepeatable: true
                ).status
            }
        } catch {
            log.error("post failed", ["connectionId": id.text, "error": "\(error)"])
            return nil
        }
    }

    private static func split(_ endpoint: String) -> (host: String, port: UInt16, path: String)? {
        guard endpoint.hasPrefix("http://") else { return nil }
        let rest = endpoint.dropFirst("http://".count)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let authority = rest[..<slash]
        var path = String(rest[slash...])
        while path.hasSuffix("/") { path.removeLast() }
        guard let colon = authority.lastIndex(of: ":"), let port = UInt16(authority[authority.index(after: colon)...]),
            colon > authority.startIndex
        else { return nil }
        return (String(authority[..<colon]), port, path)
    }
}
