import ChatModel
import JSONCoding

/// A client's own name for a request, echoed in every reply to it: a number as the very text received.
public enum RequestID: Equatable, Sendable {
    case text(String)
    case number(JSONNumber)
}

/// What every client frame has, whatever its action: enough to answer it, also when it is bad.
public struct FrameEnvelope: Sendable {
    public var action: String?
    public var requestID: RequestID?
    /// The frame's members; empty if it is no JSON object.
    public var fields = JSONObject([])
    /// What is wrong with the frame already.
    public var fault: ChatError?

    public init(parsing text: String?) { self.init(parsing: Array((text ?? "").utf8)) }

    public init(parsing text: [UInt8]) {
        guard let root = (try? JSONParser.parse(text, limits: JSONLimits(maxDepth: Limits.jsonDepth)))?.object
        else {
            fault = .badRequest("a frame is a JSON object")
            return
        }
        fields = root
        action = root["action"]?.string
        switch root["requestId"] {
        case nil, .null: break
        case .string(let id) where id.utf8.count <= Limits.requestIDBytes: requestID = .text(id)
        case .number(let id) where id.text.utf8.count <= Limits.requestIDBytes: requestID = .number(id)
        default: fault = .badRequest("requestId is a string of at most \(Limits.requestIDBytes) bytes or a number")
        }
    }

    /// The action, if it is short enough to be repeated in an error.
    public var echoedAction: String? {
        action.flatMap { $0.utf8.count <= Limits.requestIDBytes ? $0 : nil }
    }
}

/// Reads the members of a frame: `null` is as if absent, and a wrong type or range is a ``ChatError``.
struct FieldReader {
    let fields: JSONObject

    func string(_ name: String) throws(ChatError) -> String? {
        switch fields[name] {
        case nil, .null: nil
        case .string(let text): text
        default: throw .badRequest("\(name) is a string")
        }
    }

    func flag(_ name: String) throws(ChatError) -> Bool {
        switch fields[name] {
        case nil, .null: false
        case .bool(let flag): flag
        default: throw .badRequest("\(name) is true or false")
        }
    }

    func integer(_ name: String, in range: ClosedRange<Int64>) throws(ChatError) -> Int64? {
        switch fields[name] {
        case nil, .null: return nil
        case .number(let number):
            if let value = number.int64, range.contains(value) { return value }
        default: break
        }
        let bound = range.upperBound == .max ? "at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
        throw .badRequest("\(name) is a whole number \(bound)")
    }

    func roomID(_ name: String = "roomId") throws(ChatError) -> RoomID? {
        guard let text = try string(name) else { return nil }
        guard let id = RoomID(text) else {
            throw .badRequest("\(name) is 1 to \(Limits.plainNameBytes) of the characters A-Z a-z 0-9 . _ : @ -")
        }
        return id
    }

    func requiredRoomID() throws(ChatError) -> RoomID {
        guard let id = try roomID() else { throw .badRequest("roomId is missing") }
        return id
    }

    func userID(_ name: String) throws(ChatError) -> UserID? {
        guard let text = try string(name) else { return nil }
        guard let id = UserID(text) else {
            throw .badRequest("\(name) is 1 to \(Limits.userIDBytes) bytes without control characters")
        }
        return id
    }

    func body() throws(ChatError) -> String {
        guard let body = try string("body") else { throw .badRequest("body is missing") }
        guard !body.isEmpty else { throw .badRequest("body is empty") }
        guard body.utf8.count <= Limits.bodyBytes else {
            throw ChatError(.tooLarge, "body is more than \(Limits.bodyBytes) bytes")
        }
        return body
    }

    func clientMessageID() throws(ChatError) -> String? {
        guard let id = try string("clientMessageId") else { return nil }
        guard (1...Limits.clientMessageIDBytes).contains(id.utf8.count) else {
            throw .badRequest("clientMessageId is 1 to \(Limits.clientMessageIDBytes) bytes")
        }
        return id
    }
}
