import ChatModel
import ChatStore
import ChatWire
import Tokens

/// Who a connection belongs to and what they may do, from a verified token or from a Lambda authorizer.
struct Identity: Equatable, Sendable {
    var user: User
    var expiresAt: Timestamp
    var rooms: [String]?
    var roles: [String]

    init(_ claims: Claims) {
        guard let tenant = TenantID(claims.tenant), let id = UserID(claims.subject) else {
            preconditionFailure("the verifier lets only well-formed ids through")
        }
        user = User(tenant, id)
        expiresAt = Timestamp(seconds: claims.expiresAt)
        rooms = claims.rooms
        roles = claims.roles
    }

    /// What a REQUEST authorizer returned at `$connect`: `userId`, `tenantId`, `exp` in epoch seconds, and `rooms` and
    /// `roles` as text separated by spaces. Nil without an authorizer. An `exp` that is no date counts as long over.
    init?(authorizer: [String: String], _ now: Timestamp) {
        guard let user = User(authorizer: authorizer) else { return nil }
        self.user = user
        expiresAt = authorizer["exp"].map(Identity.date) ?? now + Limits.garbageAge
        rooms = authorizer["rooms"].map { $0.split(separator: " ").map(String.init) }
        roles = authorizer["roles"]?.split(separator: " ").map(String.init) ?? []
    }

    private static func date(_ text: String) -> Timestamp {
        guard let seconds = Int64(text), (0...TokenRules.latestDate).contains(seconds) else { return Timestamp(seconds: 0) }
        return Timestamp(seconds: seconds)
    }
}

/// Where a client may put its token.
enum BearerToken {
    static let subprotocol = "muster.v1"
    private static let prefix = "bearer."

    /// From the query parameter `token` (the last one counts), else `Authorization: Bearer`, else the subprotocol
    /// `bearer.<token>` offered beside `muster.v1`.
    static func find(in event: GatewayEvent) -> String? {
        if let token = event.queryParameter("token") { return token }
        if let header = event.header("authorization") {
            let parts = header.split(separator: " ", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == "bearer" { return String(parts[1]) }
        }
        let offered = subprotocols(of: event)
        guard offered.contains(subprotocol) else { return nil }
        return offered.first { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
    }

    static func subprotocols(of event: GatewayEvent) -> [String] {
        event.headers.filter { $0.name.lowercased() == "sec-websocket-protocol" }
            .flatMap { $0.value.split(separator: ",") }
            .map { String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
    }
}
