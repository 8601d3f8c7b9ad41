import ChatModel
import Tokens

/// Says whose a token is: ``TokenVerifier`` by keys that never change, ``KeyRing`` also by a set that does.
public protocol TokenJudge: Sendable {
    /// The claims of a token that is valid at `now`.
    func claims(of token: String, at now: Timestamp) async throws(TokenFailure) -> Claims

    /// Gets the keys that have to be fetched, so that the first token need not wait for them. Without it they come with that.
    func load(at now: Timestamp) async throws(KeySetFailure)
}

/// Why a token says nothing.
public enum TokenFailure: Error, Equatable, Sendable {
    /// It is not valid; the peer sees 401 and no reason.
    case refused(TokenError)
    /// It may be: there are no keys to tell. The peer sees 500, for another token would not help it.
    case noKeys(KeySetFailure)
}

extension TokenVerifier: TokenJudge {
    public func claims(of token: String, at now: Timestamp) async throws(TokenFailure) -> Claims {
        do throws(TokenError) {
            return try verify(token, now: now.milliseconds)
        } catch {
            throw .refused(error)
        }
    }

    /// There is nothing to fetch.
    public func load(at now: Timestamp) async throws(KeySetFailure) {}
}
