/// Which check refused a token. Says nothing of what the token contains, so that it can be logged; the client is only
/// ever told that it was refused.
public enum TokenError: Error, Equatable, Sendable {
    /// One of a token's three parts.
    public enum Part: String, Sendable {
        case header, payload, signature
    }

    /// A member of the header that can refuse a token.
    public enum HeaderMember: String, Sendable, CaseIterable {
        case alg, typ, kid, crit, b64, jwk, jku, x5u, x5c
    }

    /// A claim that is read; the tenant's may have another name in the token.
    public enum Claim: String, Sendable {
        case subject = "sub"
        case tenant
        case expiry = "exp"
        case notBefore = "nbf"
        case issuedAt = "iat"
        case issuer = "iss"
        case audience = "aud"
        case rooms, roles
    }

    /// More bytes than `TokenRules.maxTokenBytes`.
    case tooLong
    case notThreeParts
    /// Not base64url in its canonical form without padding.
    case badEncoding(Part)
    /// Not a JSON object whose names are unique at every depth.
    case badJSON(Part)
    /// Missing though required, of the wrong type or value, or present though never allowed.
    case badHeader(HeaderMember)
    /// `alg` names nothing that the keys this token may use are for: unknown, `none`, or for another kind of key.
    case algorithmNotAllowed
    /// No key has the token's `kid`, and none without an id verifies it: newer keys may.
    case unknownKey
    case badSignature
    case missingClaim(Claim)
    /// Of the wrong type or outside the syntax or range of its values.
    case badClaim(Claim)
    case expired
    case notYetValid
    case issuedInFuture
    case wrongIssuer
    case wrongAudience

    /// The failed check in words for the log, free of anything from the token.
    public var logReason: String {
        switch self {
        case .tooLong: "too long"
        case .notThreeParts: "not three parts"
        case .badEncoding(let part): "\(part.rawValue) is not canonical base64url"
        case .badJSON(let part): "\(part.rawValue) is not a JSON object with unique names"
        case .badHeader(let member): "header \(member.rawValue) is missing, wrong or not allowed"
        case .algorithmNotAllowed: "algorithm not allowed for the key"
        case .unknownKey: "unknown key"
        case .badSignature: "wrong signature"
        case .missingClaim(let claim): "claim \(claim.rawValue) is missing"
        case .badClaim(let claim): "claim \(claim.rawValue) has a wrong type or value"
        case .expired: "expired"
        case .notYetValid: "not valid yet"
        case .issuedInFuture: "issued in the future"
        case .wrongIssuer: "wrong issuer"
        case .wrongAudience: "wrong audience"
        }
    }
}
