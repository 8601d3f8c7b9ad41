import JSONCoding

/// What a token's header (RFC 7515 section 4) says about its signature.
struct TokenHeader {
    /// Nil for a name that is not one of ours, `none` among them.
    let algorithm: Algorithm?
    let keyID: String?

    /// Extensions and keys that come with the token: an attacker's either way.
    private static let refused: [TokenError.HeaderMember] = [.crit, .b64, .jwk, .jku, .x5u, .x5c]

    init(_ header: JSONObject) throws(TokenError) {
        for member in Self.refused where header[member.rawValue] != nil {
            throw .badHeader(member)
        }
        guard let name = header["alg"]?.string else { throw .badHeader(.alg) }
        algorithm = Algorithm(named: name)
        if let type = header["typ"] {
            guard let type = type.string, Self.isToken(type) else { throw .badHeader(.typ) }
        }
        if let id = header["kid"] {
            guard let id = id.string, id.utf8.count <= TokenKey.maxIDBytes else { throw .badHeader(.kid) }
            keyID = id
        } else {
            keyID = nil
        }
    }

    /// Media types in any case (RFC 7519 section 5.1, RFC 9068 section 2.1).
    private static func isToken(_ type: String) -> Bool {
        let lowercase = type.utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 + 32 : $0 }
        return lowercase.elementsEqual("jwt".utf8) || lowercase.elementsEqual("at+jwt".utf8)
    }
}
