import ChatModel
import ChatStore
import ChatWire
import Tokens

/// Who may come in, judged alike by `$connect` and by the authorizer in front of it: the page they come from and their token.
struct Entrance: Sendable {
    /// Nil where no key is configured: then only a Lambda authorizer lets anyone in.
    let verifier: TokenVerifier?
    /// Nil allows all.
    let allowedOrigins: [String]?

    func checkOrigin(_ event: GatewayEvent) throws(Refusal) {
        guard let allowedOrigins else { return }
        guard let origin = event.header("origin"), allowedOrigins.contains(where: { bytesEqual($0, origin) }) else {
            throw .origin
        }
    }

    /// The identity in the handshake's token.
    func identify(_ event: GatewayEvent, at now: Timestamp) throws(Refusal) -> Identity {
        guard let verifier else { throw .noKeys }
        guard let token = BearerToken.find(in: event) else { throw .noToken }
        do throws(TokenError) {
            return Identity(try verifier.verify(token, now: now.milliseconds))
        } catch {
            throw .token(error)
        }
    }
}

/// Why a connection is not let in.
enum Refusal: Error, Equatable {
    case malformed
    case origin
    case noKeys
    case noToken
    case token(TokenError)
    case removed
    case tooManyConnections
    case engine(TableError)

    var status: Int {
        switch self {
        case .malformed, .engine: 500
        case .origin: 403
        case .noKeys, .noToken, .token, .removed: 401
        case .tooManyConnections: 429
        }
    }

    /// For the log: names the check, never the token.
    var reason: String {
        switch self {
        case .malformed: "malformed connection id"
        case .origin: "origin not allowed"
        case .noKeys: "no key is configured"
        case .noToken: "no token"
        case .token(let error): error.logReason
        case .removed: "token issued before the user was removed"
        case .tooManyConnections: "too many connections of this user"
        case .engine(let error): "\(error)"
        }
    }
}
