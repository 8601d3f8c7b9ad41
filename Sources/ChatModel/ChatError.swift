/// What a client is told when a frame cannot be done. Closed: every failure of the service ends in one of these.
public struct ChatError: Error, Equatable, Sendable {
    public enum Code: String, Sendable, CaseIterable {
        case badRequest = "bad_request"
        case unauthorized = "unauthorized"
        case tokenExpired = "token_expired"
        case forbidden = "forbidden"
        case notJoined = "not_joined"
        case unknownAction = "unknown_action"
        case gone = "gone"
        case tooLarge = "too_large"
        case rateLimited = "rate_limited"
        case limitExceeded = "limit_exceeded"
        case internalError = "internal"

        /// The HTTP status that says the same.
        public var status: Int {
            switch self {
            case .badRequest: 400
            case .unauthorized, .tokenExpired: 401
            case .forbidden, .notJoined: 403
            case .unknownAction: 404
            case .gone: 410
            case .tooLarge: 413
            case .rateLimited, .limitExceeded: 429
            case .internalError: 500
            }
        }
    }

    public let code: Code
    /// One sentence for the developer of the client; never a secret, a token or another tenant's data.
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public static func badRequest(_ message: String) -> ChatError { ChatError(.badRequest, message) }
    public static let gone = ChatError(.gone, "this connection has ended; connect again")
    public static let tokenExpired = ChatError(.tokenExpired, "the token has expired; connect again with a new one")
    public static let notJoined = ChatError(.notJoined, "join the room first")
    public static let rateLimited = ChatError(.rateLimited, "too many messages; slow down")
    public static let internalError = ChatError(.internalError, "something failed on the server; try again")
}
