import ChatModel
import JSONCoding

/// A payload that is not the event it should be; names the field, never its value.
public struct EventError: Error, Equatable, Sendable {
    public let message: String
    public init(_ message: String) { self.message = message }
}

extension GatewayEvent {
    /// Reads the JSON that API Gateway sends, leniently: only `requestContext.connectionId` and `.routeKey` must be there.
    public init(decoding payload: [UInt8]) throws(EventError) {
        guard let root = (try? JSONParser.parse(payload, limits: JSONLimits(maxDepth: 64)))?.object else {
            throw EventError("the event is no JSON object")
        }
        try self.init(root)
    }

    init(_ root: JSONObject) throws(EventError) {
        guard let fields = root["requestContext"]?.object else { throw EventError("requestContext is missing") }
        guard let connectionID = fields["connectionId"]?.string else { throw EventError("connectionId is missing") }
        guard let routeKey = fields["routeKey"]?.string else { throw EventError("routeKey is missing") }
        context = Context(fields, connectionID: connectionID, routeKey: routeKey)
        readHandshake(root)
        body = root["body"]?.string
        if root["isBase64Encoded"]?.bool == true, let text = body {
            guard let bytes = Base64.decode(text, alphabet: .standard, padding: true),
                let decoded = String(validating: bytes, as: UTF8.self)
            else { throw EventError("body is not base64 of UTF-8") }
            body = decoded
        }
    }

    /// What an authorizer is asked: headers and query count, and the rest may be missing.
    init(handshake root: JSONObject) {
        let fields = root["requestContext"]?.object ?? JSONObject([])
        self.init(
            Context(fields, connectionID: fields["connectionId"]?.string ?? "", routeKey: fields["routeKey"]?.string ?? "$connect"))
        readHandshake(root)
    }

    private mutating func readHandshake(_ root: JSONObject) {
        headers = GatewayEvent.pairs(root["multiValueHeaders"], root["headers"])
        query = GatewayEvent.pairs(root["multiValueQueryStringParameters"], root["queryStringParameters"])
    }

    /// The multi-value form where it is given, else the single one.
    private static func pairs(_ multi: JSONValue?, _ single: JSONValue?) -> [(name: String, value: String)] {
        if let members = multi?.object?.members, !members.isEmpty {
            return members.flatMap { member in
                (member.value.array ?? []).compactMap { value in value.scalarText.map { (member.name, $0) } }
            }
        }
        return (single?.object?.members ?? []).compactMap { member in
            member.value.scalarText.map { (member.name, $0) }
        }
    }
}

extension GatewayEvent.Context {
    fileprivate init(_ fields: JSONObject, connectionID: String, routeKey: String) {
        self.init(connectionID: connectionID, routeKey: routeKey)
        eventType = fields["eventType"]?.string.flatMap(GatewayEvent.EventType.init(rawValue:))
        requestID = fields["requestId"]?.string
        extendedRequestID = fields["extendedRequestId"]?.string
        messageID = fields["messageId"]?.string
        stage = fields["stage"]?.string
        domainName = fields["domainName"]?.string
        apiID = fields["apiId"]?.string
        connectedAt = fields["connectedAt"]?.int64.map(Timestamp.init(milliseconds:))
        requestTime = fields["requestTimeEpoch"]?.int64.map(Timestamp.init(milliseconds:))
        sourceIP = fields["identity"]?.object?["sourceIp"]?.string
        userAgent = fields["identity"]?.object?["userAgent"]?.string
        for member in fields["authorizer"]?.object?.members ?? [] {
            authorizer[member.name] = member.value.scalarText
        }
        disconnectStatusCode = fields["disconnectStatusCode"]?.int64.flatMap(Int.init(exactly:))
        disconnectReason = fields["disconnectReason"]?.string
    }
}

extension JSONValue {
    /// The text of a string, number or boolean; nil for anything else.
    var scalarText: String? {
        switch self {
        case .string(let text): text
        case .number(let number): number.text
        case .bool(let flag): flag ? "true" : "false"
        default: nil
        }
    }
}
