/// What a service asks of a token beyond its signature.
public struct TokenRules: Sendable, Equatable {
    /// The claim that holds the tenant.
    public var tenantClaim: String
    /// What `iss` has to be, byte for byte; nil if it does not matter.
    public var issuer: String?
    /// What `aud` has to be or contain, byte for byte; nil if it does not matter.
    public var audience: String?
    /// The longest token that is looked at, in bytes.
    public var maxTokenBytes: Int

    /// How far the issuer's clock may be ahead, for `nbf` and `iat` only. `exp` has none.
    public static let leewaySeconds: Int64 = 30

    /// The end of the year 9999, in seconds: later dates have no RFC 3339 form, and an `exp` in milliseconds by mistake
    /// is found.
    public static let latestDate: Int64 = 253_402_300_799

    public init(
        tenantClaim: String = "tenantId", issuer: String? = nil, audience: String? = nil, maxTokenBytes: Int = 8192
    ) {
        self.tenantClaim = tenantClaim
        self.issuer = issuer
        self.audience = audience
        self.maxTokenBytes = maxTokenBytes
    }
}
