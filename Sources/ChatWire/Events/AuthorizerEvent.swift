import JSONCoding

/// What API Gateway asks a REQUEST authorizer of a WebSocket API before `$connect`
/// (https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-lambda-auth.html).
public struct AuthorizerEvent: Equatable, Sendable {
    /// What is to be allowed or denied: `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/$connect`.
    public var methodARN: String
    /// The handshake, as `$connect` will see it.
    public var request: GatewayEvent

    /// Reads leniently: only `methodArn` must be there, and `type`, where it is given, be `REQUEST`.
    public init(decoding payload: [UInt8]) throws(EventError) {
        guard let root = (try? JSONParser.parse(payload, limits: JSONLimits(maxDepth: 64)))?.object else {
            throw EventError("the event is no JSON object")
        }
        if let type = root["type"], type.string != "REQUEST" { throw EventError("type is not REQUEST") }
        guard let method = root["methodArn"]?.string, !method.isEmpty else { throw EventError("methodArn is missing") }
        methodARN = method
        request = GatewayEvent(handshake: root)
    }
}

/// What an authorizer answers: may they come in, and what every later event says of them.
public struct AuthorizerAnswer: Equatable, Sendable {
    public enum Effect: String, Sendable { case allow = "Allow", deny = "Deny" }

    public var effect: Effect
    /// Shown in API Gateway's logs.
    public var principalID: String
    public var methodARN: String
    /// Strings, numbers and booleans are all that API Gateway takes; these are strings.
    public var context: [String: String]

    public init(_ effect: Effect, principalID: String, methodARN: String, context: [String: String] = [:]) {
        self.effect = effect
        self.principalID = principalID
        self.methodARN = methodARN
        self.context = context
    }

    /// `{"principalId", "policyDocument", "context"}`.
    public func encoded() -> [UInt8] {
        var writer = JSONWriter(capacity: 512)
        writer.beginObject()
        writer.member("principalId", principalID)
        writer.name("policyDocument")
        writer.beginObject()
        writer.member("Version", "2012-10-17")
        writer.name("Statement")
        writer.beginArray()
        writer.beginObject()
        writer.member("Action", "execute-api:Invoke")
        writer.member("Effect", effect.rawValue)
        writer.member("Resource", methodARN)
        writer.endObject()
        writer.endArray()
        writer.endObject()
        if !context.isEmpty {
            writer.name("context")
            writer.beginObject()
            for (name, value) in context.sorted(by: { $0.key < $1.key }) { writer.member(name, value) }
            writer.endObject()
        }
        writer.endObject()
        return writer.bytes
    }
}
