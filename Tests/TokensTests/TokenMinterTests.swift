import JSONCoding
import Testing

@testable import Tokens

struct TokenMinterTests {
    private func payload(_ token: String) throws -> JSONObject {
        let part = String(token.split(separator: ".")[1])
        let bytes = try #require(Base64.decode(part, alphabet: .url, padding: false))
        return try #require(JSONParser.parse(bytes).object)
    }

    @Test func `a minted token verifies until it expires`() throws {
        let minter = try TokenMinter(secret: Signing.secret)
        let token = minter.mint(
            NewToken(user: "a \"quoted\" é", tenant: "acme", rooms: ["team-*"], roles: ["admin"], expiresIn: 3600),
            now: Signing.milliseconds + 999)
        let claims = try Signing.verifier().verify(token, now: Signing.milliseconds)
        #expect(claims.subject == "a \"quoted\" é")
        #expect(claims.tenant == "acme")
        #expect(claims.rooms == ["team-*"])
        #expect(claims.has(role: "admin"))
        #expect(claims.issuedAt == Signing.now)
        #expect(claims.expiresAt == Signing.now + 3600)
        #expect(throws: TokenError.expired) { try Signing.verifier().verify(token, now: (Signing.now + 3600) * 1000) }
    }

    @Test func `what is not asked for is not in the token`() throws {
        let minter = try TokenMinter(secret: Signing.secret)
        let token = minter.mint(NewToken(user: "u", tenant: "t", expiresIn: 1), now: Signing.milliseconds)
        #expect(try payload(token).members.map(\.name) == ["sub", "tenantId", "iat", "exp"])
    }

    @Test func `the rules of the verifier can be met`() throws {
        let rules = TokenRules(tenantClaim: "org", issuer: "me", audience: "chat")
        let minter = try TokenMinter(secret: Signing.secret, tenantClaim: "org")
        let token = minter.mint(
            NewToken(user: "u", tenant: "t", issuer: "me", audience: "chat", expiresIn: 1), now: Signing.milliseconds)
        #expect(try Signing.verifier(rules: rules).verify(token, now: Signing.milliseconds).tenant == "t")
    }

    @Test func `a lifetime beyond every date ends with the last one`() throws {
        let token = try TokenMinter(secret: Signing.secret)
            .mint(NewToken(user: "u", tenant: "t", expiresIn: .max), now: Signing.milliseconds)
        #expect(try Signing.verifier().verify(token, now: Signing.milliseconds).expiresAt == TokenRules.latestDate)
    }
}
