/// What requests are signed with. Its text, as of everything that holds it, is never more than the key's id.
public struct AWSCredentials: Equatable, Sendable {
    public let accessKeyID: String
    let secretAccessKey: String
    let sessionToken: String?
    /// Seconds since 1970; nil for those that do not end.
    public let expiration: Int64?

    public init(accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil, expiration: Int64? = nil) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
        self.expiration = expiration
    }
}

extension AWSCredentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "credentials \(accessKeyID)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["accessKeyID": accessKeyID]) }
}
