import HTTPCodec

/// The services of AWS that Muster calls.
public enum AWSService: String, CaseIterable, Sendable {
    case dynamoDB = "dynamodb"
    case sqs
    /// API Gateway's `@connections`, whose name in signatures is `execute-api`.
    case management = "execute-api"
}

/// One HTTP request to a service, before it is signed.
public struct AWSRequest: Equatable, Sendable {
    public var service: AWSService
    public var method: String
    /// The base URL where the request does not go to the service's own: `https://abc.execute-api.eu-west-1.amazonaws.com/dev`.
    /// Its path is put in front of `path`.
    public var endpoint: String?
    /// Whether `endpoint` was made from an event's domain name, and not configured: where an emulator's URL is configured, it
    /// stands in for it, and only `Host` keeps the name.
    public var isDerived: Bool
    /// As it is sent: percent-encoded once. SigV4 encodes it a second time.
    public var path: String
    /// Without `Host`, `Content-Length` and `X-Amz-*`, but for `X-Amz-Target`; without `Authorization` where the request is signed.
    public var fields: HTTPFields
    public var body: [UInt8]
    /// Whether it is signed, for which there must be credentials. A service that only speaks like AWS's asks for none.
    public var isSigned: Bool
    /// For one attempt; nil for the client's own.
    public var timeout: Duration?
    /// The most attempts; nil for the client's own.
    public var attempts: Int?

    public init(
        _ service: AWSService, method: String = "POST", endpoint: String? = nil, isDerived: Bool = false, path: String = "/",
        fields: HTTPFields = [:], body: [UInt8] = [], isSigned: Bool = true, timeout: Duration? = nil, attempts: Int? = nil
    ) {
        self.service = service
        self.method = method
        self.endpoint = endpoint
        self.isDerived = isDerived
        self.path = path
        self.fields = fields
        self.body = body
        self.isSigned = isSigned
        self.timeout = timeout
        self.attempts = attempts
    }

    /// A call of a service that speaks JSON: DynamoDB's `GetItem`, SQS's `SendMessageBatch`.
    /// Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
    public static func call(_ service: AWSService, target: String, _ body: [UInt8]) -> AWSRequest {
        AWSRequest(
            service, fields: ["Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": target], body: body)
    }
}

/// An answer with a status from 200 to 299.
public struct AWSResponse: Equatable, Sendable {
    public var status: Int
    public var fields: HTTPFields
    public var body: [UInt8]

    public init(status: Int, fields: HTTPFields = [:], body: [UInt8] = []) {
        self.status = status
        self.fields = fields
        self.body = body
    }
}
