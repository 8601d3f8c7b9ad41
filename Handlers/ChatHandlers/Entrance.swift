import ChatModel
import ChatStore
import ChatWire
import Tokens

/// Who may come in, judged alike by `$connect` and by the authorizer in front of it: the page they come from and their token.
struct Entrance: Sendable {
    /// Nil where no key is configured: then only a Lambda authorizer lets anyone in.
    let verifier: (any TokenJudge)?
    /// Nil allows all.
    let allowedOrigins: AllowedOrigins?

    func checkOrigin(_ event: GatewayEvent) throws(Refusal) {
        guard let allowedOrigins else { return }
        // A browser sends one; whoever sends none is no page, and a page cannot leave it out.
        let origins = event.headers.filter { $0.name.lowercased() == "origin" }
        guard origins.count == 1, allowedOrigins.allows(origins[0].value) else { throw .origin }
    }

    /// The identity in the handshake's token.
    func identify(_ event: GatewayEvent, at now: Timestamp) async throws(Refusal) -> Identity {
        guard let verifier else { throw .noKeys }
        guard let token = BearerToken.find(in: event) else { throw .noToken }
        do throws(TokenFailure) {
            return Identity(try await verifier.claims(of: token, at: now))
        } catch {
            switch error {
            case .refused(let error): throw .token(error)
            case .noKeys(let failure): throw .keySet(failure)
            }
        }
    }
}

/// Why a connection is not let in.
enum Refusal: Error, Equatable {
    case malformed
    case origin
    /// None is configured.
    case noKeys
    /// There may be one for this token, where nobody can get it now.
    case keySet(KeySetFailure)
    case noToken
    case token(TokenError)
    case removed
    case tooManyConnections
    case engine(TableError)

    var status: Int {
        switch self {
        case .malformed, .keySet, .engine: 500
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
        case .keySet(let failure): "no key set: \(failure.logReason)"
        case .noToken: "no token"
        case .token(let error): error.logReason
        case .removed: "token issued before the user was removed"
        case .tooManyConnections: "too many connections of this user"
        case .engine(let error): "\(error)"
        }
    }
}
