import JSONCoding

/// What a new token says. Ids are taken as given: a wrong one makes a token that no verifier accepts.
public struct NewToken: Sendable {
    public var user: String
    public var tenant: String
    /// The rooms that may be joined, exact names or prefixes ending in `*`; nil for every room.
    public var rooms: [String]?
    public var roles: [String]
    public var issuer: String?
    public var audience: String?
    /// How long the token is valid, in seconds.
    public var expiresIn: Int64

    public init(
        user: String, tenant: String, rooms: [String]? = nil, roles: [String] = [],
        issuer: String? = nil, audience: String? = nil, expiresIn: Int64
    ) {
        self.user = user
        self.tenant = tenant
        self.rooms = rooms
        self.roles = roles
        self.issuer = issuer
        self.audience = audience
        self.expiresIn = expiresIn
    }
}

/// Makes tokens signed with HS256, for development, tests and backends that hold the secret.
public struct TokenMinter: Sendable {
    private let key: TokenKey
    private let tenantClaim: String

    /// Throws for a secret shorter than `TokenKey.minSecretBytes`.
    public init(secret: [UInt8], tenantClaim: String = TokenRules().tenantClaim) throws(KeyError) {
        key = try TokenKey(secret: secret, algorithms: [.hs256])
        self.tenantClaim = tenantClaim
    }

    /// A token issued at `now`, in milliseconds since the epoch.
    public func mint(_ token: NewToken, now: Int64) -> String {
        let issuedAt = now / 1000
        var payload = JSONWriter(capacity: 256)
        payload.beginObject()
        payload.member("sub", token.user)
        payload.member(tenantClaim, token.tenant)
        payload.member("iss", ifPresent: token.issuer)
        payload.member("aud", ifPresent: token.audience)
        payload.member("iat", issuedAt)
        payload.member("exp", issuedAt + min(token.expiresIn, TokenRules.latestDate - issuedAt))
        if let rooms = token.rooms { payload.member("rooms", rooms) }
        if !token.roles.isEmpty { payload.member("roles", token.roles) }
        payload.endObject()
        return Self.sign(header: Array(#"{"alg":"HS256","typ":"JWT"}"#.utf8), payload: payload.bytes, key, .hs256)
    }

    /// The compact serialization of RFC 7515 section 7.1.
    static func sign(header: [UInt8], payload: [UInt8], _ key: TokenKey, _ algorithm: Algorithm) -> String {
        func encode(_ bytes: [UInt8]) -> String { Base64.encode(bytes, alphabet: .url, padding: false) }
        let input = encode(header) + "." + encode(payload)
        return input + "." + encode(key.sign(input.utf8.span, by: algorithm))
    }
}
