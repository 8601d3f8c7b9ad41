/// Why a call to AWS has no answer that can be used, after every retry that was worth it.
public enum AWSError: Error, Equatable, Sendable {
    /// The service said no.
    case refused(AWSRefusal)
    /// No whole answer came: name resolution, connection, TLS. The call may have taken effect or not.
    case unreachable(String)
    /// The deadline came first. The call may have taken effect or not.
    case timedOut
    /// Nothing was sent: there is nothing to sign with. Says where it was looked for.
    case noCredentials(String)
}

/// What a service answered instead of doing what it was asked.
public struct AWSRefusal: Equatable, Sendable {
    public var status: Int
    /// The error's name without its namespace: `ConditionalCheckFailedException`. Empty when the answer names none.
    public var code: String
    public var message: String
    /// The whole answer, for what an error carries beside its name (`Item`, `CancellationReasons`).
    public var body: [UInt8]

    public init(status: Int, code: String, message: String, body: [UInt8] = []) {
        self.status = status
        self.code = code
        self.message = message
        self.body = body
    }
}

extension AWSError: CustomStringConvertible {
    /// For logs: never a request's or an answer's contents.
    public var description: String {
        switch self {
        case .refused(let refusal): "\(refusal.code.isEmpty ? "status \(refusal.status)" : refusal.code): \(refusal.message)"
        case .unreachable(let reason): "unreachable: \(reason)"
        case .timedOut: "the deadline came first"
        case .noCredentials(let reason): "no credentials: \(reason)"
        }
    }
}
