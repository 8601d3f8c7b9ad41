import ChatModel
import ChatWire
import HTTPCodec
import Logs

/// `Authorizer`: a REQUEST authorizer of the WebSocket API, asked before `$connect`. It judges as `$connect` itself would, and
/// hands `userId`, `tenantId`, `rooms`, `roles` and `exp` to every later event.
///
/// With it a refused client costs no function but this one, and handlers need no read to know the sender.
/// Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-lambda-auth.html
public struct Authorizer: Sendable {
    private let entrance: Entrance
    private let clock: any WallClock
    private let log: Log

    /// Needs neither table nor poster.
    public init(verifier: (any TokenJudge)?, settings: Settings, clock: any WallClock = SystemClock(), log: Log) {
        entrance = Entrance(verifier: verifier, allowedOrigins: settings.allowedOrigins)
        self.clock = clock
        self.log = log
    }

    /// - Returns: a policy that allows, or one that denies another page's origin, for which the client sees 403.
    /// - Throws: ``Unauthorized`` without a valid token, for which it sees 401; ``EventError`` for what is no authorizer's event,
    ///   and ``KeySetFailure`` where there are no keys to judge a token by, for which it sees 500. The log names the check that
    ///   failed, and never the token.
    public func handle(_ payload: [UInt8]) async throws -> [UInt8] {
        let event = try AuthorizerEvent(decoding: payload)
        do throws(Refusal) {
            try entrance.checkOrigin(event.request)
            let identity = try await entrance.identify(event.request, at: clock.now())
            return AuthorizerAnswer(
                .allow, principalID: Authorizer.principal(identity), methodARN: event.methodARN, context: identity.authorizer
            ).encoded()
        } catch {
            let context = event.request.context
            log.info(
                "connect refused",
                ["reason": error.reason, "connectionId": context.connectionID, "requestId": context.requestID])
            if case .keySet(let failure) = error { throw failure }
            guard case .origin = error else { throw Unauthorized() }
            return AuthorizerAnswer(.deny, principalID: "refused", methodARN: event.methodARN).encoded()
        }
    }

    /// `tenant/user`, which stands in access logs: so it is ASCII that no log's format needs to escape. At most 897 bytes.
    private static func principal(_ identity: Identity) -> String {
        "\(identity.user.tenantID.text)/\(PercentCoding.encoded(identity.user.id.text))"
    }
}

/// The failure that API Gateway turns into 401: its message has to be this very word.
public struct Unauthorized: Error, Equatable, CustomStringConvertible {
    public let description = "Unauthorized"
    public init() {}
}
