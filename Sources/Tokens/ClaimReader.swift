import JSONCoding

/// Reads the claims of a payload whose signature is right (RFC 7519 section 4.1 and ours). A claim that is there with
/// a wrong type, `null` included, refuses the token even where its value would not matter.
struct ClaimReader {
    let claims: JSONObject
    let rules: TokenRules

    func read(now: Int64) throws(TokenError) -> Claims {
        let expiresAt = try checkDates(now: now)
        try checkIssuer()
        try checkAudience()
        return Claims(
            subject: try identifier("sub", .subject, isValid: IDSyntax.isUser),
            tenant: try identifier(rules.tenantClaim, .tenant, isValid: IDSyntax.isTenant),
            expiresAt: expiresAt,
            issuedAt: try date("iat", .issuedAt)?.floor,
            rooms: try strings("rooms", .rooms),
            roles: try strings("roles", .roles) ?? [])
    }

    /// The second of expiry, if the token is valid at `now`.
    private func checkDates(now: Int64) throws(TokenError) -> Int64 {
        guard let expiry = try date("exp", .expiry) else { throw .missingClaim(.expiry) }
        guard now < expiry.floor * 1000 else { throw .expired }
        let latest = now + TokenRules.leewaySeconds * 1000
        if let notBefore = try date("nbf", .notBefore), notBefore.ceiling * 1000 > latest { throw .notYetValid }
        if let issuedAt = try date("iat", .issuedAt), issuedAt.ceiling * 1000 > latest { throw .issuedInFuture }
        return expiry.floor
    }

    private func checkIssuer() throws(TokenError) {
        let issuer = claims["iss"]
        if let issuer, issuer.string == nil { throw .badClaim(.issuer) }
        guard let expected = rules.issuer else { return }
        guard let issuer else { throw .missingClaim(.issuer) }
        guard issuer == .string(expected) else { throw .wrongIssuer }
    }

    private func checkAudience() throws(TokenError) {
        let audiences: [String]?
        if let single = claims["aud"]?.string {
            audiences = [single]
        } else {
            audiences = try strings("aud", .audience)
        }
        guard let expected = rules.audience else { return }
        guard let audiences else { throw .missingClaim(.audience) }
        guard audiences.contains(where: { $0.utf8.elementsEqual(expected.utf8) }) else { throw .wrongAudience }
    }

    private func identifier(
        _ name: String, _ claim: TokenError.Claim, isValid: (String) -> Bool
    ) throws(TokenError) -> String {
        guard let value = claims[name] else { throw .missingClaim(claim) }
        guard let text = value.string, isValid(text) else { throw .badClaim(claim) }
        return text
    }

    private func strings(_ name: String, _ claim: TokenError.Claim) throws(TokenError) -> [String]? {
        guard let value = claims[name] else { return nil }
        guard let elements = value.array else { throw .badClaim(claim) }
        var strings: [String] = []
        strings.reserveCapacity(elements.count)
        for element in elements {
            guard let text = element.string else { throw .badClaim(claim) }
            strings.append(text)
        }
        return strings
    }

    /// A NumericDate: seconds since the epoch, in the range whose milliseconds cannot overflow.
    private func date(
        _ name: String, _ claim: TokenError.Claim
    ) throws(TokenError) -> (floor: Int64, ceiling: Int64)? {
        guard let value = claims[name] else { return nil }
        guard let number = value.number, let floor = number.floor,
            (-TokenRules.latestDate...TokenRules.latestDate).contains(floor)
        else { throw .badClaim(claim) }
        return (floor, number.int64 == nil ? floor + 1 : floor)
    }
}
