/// What a handler answers API Gateway: on a message route `body` is sent to the client as the reply;
/// on `$connect` only the status and the headers count, and anything but 2xx refuses the upgrade.
public struct ProxyResponse: Equatable, Sendable {
    public var statusCode: Int
    public var headers: [String: String]
    /// UTF-8 text; nil sends no reply.
    public var body: [UInt8]?

    public init(statusCode: Int = 200, headers: [String: String] = [:], body: [UInt8]? = nil) {
        self.statusCode = statusCode
        self.headers = headers
        self.body = body
    }
}

/// What a handler made of an invocation: the answer, and the work that must not keep the answer waiting.
public struct HandlerOutcome: Sendable {
    public var response: ProxyResponse
    /// Run once, after the answer has left: the fan-out.
    public var afterward: (@Sendable () async -> Void)?

    public init(_ response: ProxyResponse, afterward: (@Sendable () async -> Void)? = nil) {
        self.response = response
        self.afterward = afterward
    }
}
