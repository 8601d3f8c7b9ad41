import JSONCoding
import HTTPCodec

/// How Muster is spoken to: `joinRoom`, `sendMessage`, and what comes of them.
public final class MusterDialect: Dialect {
    private let rooms: Int
    private let members: Int
    private let endpoint: Endpoint
    private let token: (Int) -> String?
    private let roomPrefix: String
    /// Which connection a user is; without it presence cannot be judged.
    private let connectionOfUser: ((String) -> Int?)?
    private var hasAskedInterval = false

    public let tellsPresence: Bool

    /// Larger rooms get no presence frames.
    private static let presenceUsers = 1000

    /// - Parameters:
    ///   - token: of a connection's user; nil where the URL has what is needed.
    ///   - connectionOfUser: the connection of a user of this run, if each has a user of its own.
    public init(
        plan: LoadPlan, endpoint: Endpoint, roomPrefix: String, connectionOfUser: ((String) -> Int?)?,
        token: @escaping (Int) -> String?
    ) {
        (rooms, members) = (plan.rooms, plan.members)
        self.endpoint = endpoint
        self.roomPrefix = roomPrefix
        tellsPresence = connectionOfUser != nil && plan.members <= Self.presenceUsers
        self.connectionOfUser = tellsPresence ? connectionOfUser : nil
        self.token = token
    }

    public func opening(_ connection: Int) -> Opening {
        guard let token = token(connection) else { return Opening(target: endpoint.target) }
        return Opening(target: endpoint.target(adding: "token", PercentCoding.encoded(token)))
    }

    public func greeting(_ connection: Int) -> [[UInt8]] {
        var frames = [frame("joinRoom", connection)]
        if !hasAskedInterval {
            hasAskedInterval = true
            frames.append(Array(#"{"action":"heartbeat"}"#.utf8))
        }
        return frames
    }

    public func publication(_ connection: Int, message number: Int, body: [UInt8]) -> [UInt8] {
        var writer = JSONWriter(capacity: 128 + body.count)
        writer.beginObject()
        writer.member("action", "sendMessage")
        writer.member("roomId", roomPrefix + String(connection / members))
        writer.member("requestId", number)
        // Hexadecimal digits and dots need no escape.
        writer.member("body", raw: [UInt8(ascii: "\"")] + body + [UInt8(ascii: "\"")])
        writer.endObject()
        return writer.bytes
    }

    public func heartbeat(_ connection: Int) -> [UInt8]? { Array(#"{"action":"heartbeat"}"#.utf8) }

    public func online(_ connection: Int) -> [UInt8]? { frame("online", connection, limit: 1000) }

    private func frame(_ action: String, _ connection: Int, limit: Int? = nil) -> [UInt8] {
        var writer = JSONWriter(capacity: 128)
        writer.beginObject()
        writer.member("action", action)
        writer.member("roomId", roomPrefix + String(connection / members))
        if let limit { writer.member("limit", limit) }
        writer.endObject()
        return writer.bytes
    }

    public func read(_ payload: RawSpan, _ connection: Int, _ arrivals: Arrivals) {
        if payload.begins(with: #"{"type":"message","#) {
            var found = MessageFields()
            if found.scan(payload), let body = found.body {
                return arrivals.message(seq: found.seq, body: payload.extracting(body))
            }
        }
        readOther(payload, connection, arrivals)
    }

    private func readOther(_ payload: RawSpan, _ connection: Int, _ arrivals: Arrivals) {
        let bytes = unsafe payload.withUnsafeBytes { unsafe Array($0) }
        guard let frame = try? JSONParser.parse(bytes).object else { return arrivals.failed("a frame that is no JSON object") }
        switch frame["type"]?.string {
        case "message":
            let body = Array((frame["body"]?.string ?? "").utf8)
            unsafe arrivals.message(seq: frame["seq"]?.int64 ?? 0, body: body.span.bytes)
        case "ack":
            guard let number = frame["requestId"]?.int64 else { return }
            arrivals.acknowledged(Int(number))
        case "joined":
            arrivals.joined(presence: frame["presence"]?.bool ?? true)
        case "presence":
            guard let user = frame["userId"]?.string, let subject = connectionOfUser?(user) else { return }
            if frame["event"]?.string == "join" { arrivals.heardJoin(of: subject) } else { arrivals.heardLeave(of: subject) }
        case "online":
            let users = frame["users"]?.array ?? []
            let ours = users.count { $0.object?["userId"]?.string.flatMap { connectionOfUser?($0) }.map { $0 / members == connection / members } ?? false }
            arrivals.online(members: ours, more: frame["next"]?.string != nil)
        case "heartbeat":
            if let interval = frame["interval"]?.int64 { arrivals.advertised(interval: Int(interval)) }
        case "error":
            let code = frame["code"]?.string ?? "error"
            let action = frame["action"]?.string
            if action == "joinRoom" { return arrivals.failed("joinRoom: \(code)") }
            guard let number = frame["requestId"]?.int64 else {
                return arrivals.refused(nil, code: "\(action ?? "frame"): \(code)")
            }
            arrivals.refused(Int(number), code: code)
        case nil where frame["message"] != nil:
            // API Gateway's own words for a handler that failed; they do not say which message it was.
            arrivals.refused(nil, code: "gateway_error")
        default: break
        }
    }
}
