import ChatModel
import ChatStore
import HTTPCodec
import LoopbackHTTP

/// A server, by its management listener.
struct RunningServer {
    let host: String
    let port: UInt16
    let token: String?

    /// How long an answer is waited for: the server ends the connections first, and a second has to pass.
    private static let patience = Duration.seconds(60)

    /// Has it remove a user.
    /// - Returns: its answer; nil if nobody listens there, or no longer.
    func kick(_ user: User) throws -> [UInt8]? {
        let path = "/tenants/\(PercentCoding.encoded(user.tenantID.text))/users/\(PercentCoding.encoded(user.id.text))/kick"
        var fields: HTTPFields = [:]
        if let token { fields.add("Authorization", "Bearer \(token)") }
        let answer: HTTPResponse
        do throws(LoopbackHTTPError) {
            answer = try LoopbackHTTPConnection(host: host, port: port).send(
                method: "POST", target: path, fields: fields, deadline: .now + RunningServer.patience, isRepeatable: true)
        } catch {
            switch error {
            case .refused, .closed: return nil
            case .unknownHost: throw CommandFailure("there is no host \(host); correct --management")
            case .timedOut: throw CommandFailure("the server on \(host):\(port) does not answer; its log may say why")
            default: throw CommandFailure("\(host):\(port) gives no answer that can be read: \(error)")
            }
        }
        switch answer.status {
        case 200: return answer.body
        case 401: throw CommandFailure("the server wants its management token: set MUSTER_MANAGEMENT_TOKEN")
        case 404: throw CommandFailure("\(host):\(port) is no management listener that can kick; correct --management")
        case 500: throw CommandFailure("the server could not end every connection; its log says why; run it again")
        default: throw CommandFailure("the server on \(host):\(port) answers \(answer.status); its log may say why")
        }
    }
}
