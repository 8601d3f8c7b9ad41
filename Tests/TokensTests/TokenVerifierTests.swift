import JSONCoding
import Testing

@testable import Tokens

struct TokenVerifierTests {
    private func verify(_ payload: String, rules: TokenRules = TokenRules(), now: Int64 = Signing.milliseconds) throws -> Claims {
        try Signing.verifier(rules: rules).verify(try Signing.token(payload: payload), now: now)
    }

    private func outcome(_ payload: String, rules: TokenRules = TokenRules(), now: Int64 = Signing.milliseconds) throws -> TokenError? {
        do {
            _ = try verify(payload, rules: rules, now: now)
            return nil
        } catch let error as TokenError {
            return error
        }
    }

    @Test func `the claims are what the token says`() throws {
        let claims = try verify(Signing.payload(#""iat":\#(Signing.now - 5),"rooms":["a","team-*"],"roles":["admin"]"#))
        #expect(claims.subject == "alice")
        #expect(claims.tenant == "acme")
        #expect(claims.expiresAt == Signing.now + 60)
        #expect(claims.issuedAt == Signing.now - 5)
        #expect(claims.rooms == ["a", "team-*"])
        #expect(claims.roles == ["admin"])
    }

    @Test func `what is optional may be absent`() throws {
        let claims = try verify(Signing.payload())
        #expect(claims.issuedAt == nil)
        #expect(claims.rooms == nil)
        #expect(claims.roles == [])
    }

    @Test func `claims and headers that nobody knows are ignored`() throws {
        let payload = Signing.payload(#""jti":null,"realm_access":{"roles":[1]},"x":12345678901234567890"#)
        let token = try Signing.token(header: #"{"typ":"at+JWT","alg":"HS256","kid":"any","x5t":"abc"}"#, payload: payload)
        #expect(try Signing.verifier().verify(token, now: Signing.milliseconds).subject == "alice")
    }

    /// Signed with the key of RFC 7515 appendix A.1, whose payload has no tenant: the tenant claim is made `iss`.
    @Test func `the example of RFC 7515 verifies`() throws {
        let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
            + ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
            + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        let encoded = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
        let secret = try #require(Base64.decode(encoded, alphabet: .url, padding: false))
        let verifier = TokenVerifier(keys: KeySet([try TokenKey(secret: secret)]), rules: TokenRules(tenantClaim: "iss"))
        // The signature and the dates are accepted: what is missing is our subject.
        #expect(throws: TokenError.missingClaim(.subject)) { try verifier.verify(token, now: 1_300_819_379_999) }
        #expect(throws: TokenError.expired) { try verifier.verify(token, now: 1_300_819_380_000) }
        #expect(throws: TokenError.badSignature) { try Signing.verifier().verify(token, now: 1_300_819_379_999) }
    }

    @Test(arguments: [
        ("\(Signing.now)", 0, .expired), ("\(Signing.now + 1)", 0, nil), ("\(Signing.now + 1)", 999, nil),
        ("\(Signing.now + 1)", 1000, .expired), ("\(Signing.now - 1)", 0, .expired),
        ("\(Signing.now + 1).999", 999, nil), ("\(Signing.now + 1).999", 1000, .expired),
        ("\(Signing.now).999", 0, .expired), ("\(Signing.now + 1).0", 0, nil), ("1795268241e0", 0, nil),
        ("17952682410e-1", 0, nil), ("0", 0, .expired), ("253402300799", 0, nil), ("253402300800", 0, .badClaim(.expiry)),
    ] as [(String, Int64, TokenError?)])
    func `a token is valid before its expiry and never after`(expiry: String, later: Int64, expected: TokenError?) throws {
        let payload = #"{"sub":"alice","tenantId":"acme","exp":\#(expiry)}"#
        #expect(try outcome(payload, now: Signing.milliseconds + later) == expected)
    }

    @Test(arguments: [
        ("\(Signing.now + 30)", 0, true), ("\(Signing.now + 31)", 0, false), ("\(Signing.now + 31)", 999, false),
        ("\(Signing.now + 31)", 1000, true), ("\(Signing.now + 30).5", 0, false), ("0", 0, true), ("-5.5", 0, true),
    ] as [(String, Int64, Bool)])
    func `nbf and iat may be 30 seconds ahead`(date: String, later: Int64, isValid: Bool) throws {
        let now = Signing.milliseconds + later
        #expect(try outcome(Signing.payload(#""nbf":\#(date)"#), now: now) == (isValid ? nil : .notYetValid))
        #expect(try outcome(Signing.payload(#""iat":\#(date)"#), now: now) == (isValid ? nil : .issuedInFuture))
    }

    @Test func `an expired token is expired whatever its issuer's clock`() throws {
        #expect(try outcome(#"{"sub":"a","tenantId":"t","exp":\#(Signing.now),"nbf":\#(Signing.now)}"#) == .expired)
    }

    @Test(arguments: [
        (#""iss":"https://id.example""#, nil), (#""iss":"https://id.example/""#, .wrongIssuer), (#""iss":"""#, .wrongIssuer),
        ("", .missingClaim(.issuer)), (#""iss":["https://id.example"]"#, .badClaim(.issuer)),
    ] as [(String, TokenError?)])
    func `the issuer is the one configured`(claim: String, expected: TokenError?) throws {
        #expect(try outcome(Signing.payload(claim), rules: TokenRules(issuer: "https://id.example")) == expected)
    }

    @Test(arguments: [
        (#""aud":"chat""#, nil), (#""aud":["other","chat"]"#, nil), (#""aud":"chat2""#, .wrongAudience),
        (#""aud":[]"#, .wrongAudience), (#""aud":["other"]"#, .wrongAudience), ("", .missingClaim(.audience)),
        (#""aud":{"chat":1}"#, .badClaim(.audience)),
    ] as [(String, TokenError?)])
    func `the audience is or contains the one configured`(claim: String, expected: TokenError?) throws {
        #expect(try outcome(Signing.payload(claim), rules: TokenRules(audience: "chat")) == expected)
    }

    @Test func `issuer and audience are compared by bytes`() throws {
        #expect(try outcome(Signing.payload(#""iss":"e\u0301""#), rules: TokenRules(issuer: "\u{E9}")) == .wrongIssuer)
        #expect(try outcome(Signing.payload(#""aud":"e\u0301""#), rules: TokenRules(audience: "\u{E9}")) == .wrongAudience)
    }

    @Test func `the tenant's claim can have another name`() throws {
        let rules = TokenRules(tenantClaim: "https://example.com/org")
        #expect(try verify(Signing.payload(#""https://example.com/org":"globex""#), rules: rules).tenant == "globex")
        #expect(try outcome(Signing.payload(), rules: rules) == .missingClaim(.tenant))
    }

    @Test func `ids may be as long as their syntax allows`() throws {
        let user = String(repeating: "é", count: 128)
        let tenant = String(repeating: "A", count: 118) + "az09._:@-Z"
        let claims = try verify(#"{"sub":"\#(user)","tenantId":"\#(tenant)","exp":9999999999}"#)
        #expect(claims.subject == user)
        #expect(claims.tenant == tenant)
    }

    @Test(arguments: [
        (nil, "any", true), ([], "any", false), (["a"], "a", true), (["a"], "ab", false), (["a"], "A", false),
        (["team-*"], "team-1", true), (["team-*"], "team-", true), (["team-*"], "team", false), (["x", "*"], "any", true),
        (["a*b"], "acb", false), (["\u{212A}"], "K", false), (["\u{212A}*"], "K1", false), (["**"], "any", false),
    ] as [([String]?, String, Bool)])
    func `rooms are exact names or prefixes`(rooms: [String]?, room: String, isAllowed: Bool) {
        let claims = Claims(subject: "a", tenant: "t", expiresAt: 0, issuedAt: nil, rooms: rooms, roles: [])
        #expect(claims.allows(room: room) == isAllowed)
    }

    @Test func `the log's reason never contains the token`() throws {
        let secretive = try Signing.token(payload: Signing.payload(#""iss":"SECRETIVE","aud":["SECRETIVE"],"roles":"SECRETIVE""#))
        let error = #expect(throws: TokenError.self) { try Signing.verifier().verify(secretive, now: Signing.milliseconds) }
        #expect(error?.logReason == "claim roles has a wrong type or value")
    }
}
