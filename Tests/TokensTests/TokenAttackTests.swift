import JSONCoding
import Testing

@testable import Tokens

/// Ways to get a token accepted that should not be, by name.
struct TokenAttackTests {
    private static func refuses(_ attack: Attack) throws {
        let verifier = try Signing.verifier()
        #expect(throws: attack.expected) { try verifier.verify(attack.token, now: Signing.milliseconds) }
    }

    @Test func `what the attacks start from is valid`() throws {
        let claims = try Signing.verifier().verify(try Signing.token(payload: Signing.payload()), now: Signing.milliseconds)
        #expect(claims.subject == "alice")
    }

    @Test(arguments: [
        Attack("an unsigned token", .algorithmNotAllowed, header: #"{"alg":"none"}"#),
        Attack("an unsigned token in mixed case", .algorithmNotAllowed, header: #"{"alg":"nOnE"}"#),
        Attack("an algorithm in lower case", .algorithmNotAllowed, header: #"{"alg":"hs256"}"#),
        Attack("an algorithm that no key is for", .algorithmNotAllowed, header: #"{"alg":"RS256"}"#),
        Attack("no algorithm", .badHeader(.alg), header: #"{"typ":"JWT"}"#),
        Attack("an algorithm that is no string", .badHeader(.alg), header: #"{"alg":256}"#),
        Attack("a list of algorithms", .badHeader(.alg), header: #"{"alg":["HS256"]}"#),
        Attack("a null algorithm", .badHeader(.alg), header: #"{"alg":null}"#),
        Attack("another algorithm than it was signed with", .badSignature, header: #"{"alg":"HS512"}"#),
        Attack("two algorithms", .badJSON(.header), header: #"{"alg":"none","alg":"HS256"}"#),
        Attack("two algorithms, one spelt with an escape", .badJSON(.header), header: #"{"alg":"HS256","\u0061lg":"none"}"#),
        Attack("critical extensions", .badHeader(.crit), member: #""crit":["exp"]"#),
        Attack("an empty list of critical extensions", .badHeader(.crit), member: #""crit":[]"#),
        Attack("an unencoded payload", .badHeader(.b64), member: #""b64":false"#),
        Attack("its own key", .badHeader(.jwk), member: #""jwk":{"kty":"oct","k":"AAAA"}"#),
        Attack("a key from a URL", .badHeader(.jku), member: #""jku":"https://evil.example/jwks""#),
        Attack("a certificate from a URL", .badHeader(.x5u), member: #""x5u":"https://evil.example/x5u""#),
        Attack("its own certificate", .badHeader(.x5c), member: #""x5c":["MIIB"]"#),
        Attack("a null key of its own", .badHeader(.jwk), member: #""jwk":null"#),
        Attack("another type", .badHeader(.typ), member: #""typ":"JWE""#),
        Attack("a type that is no string", .badHeader(.typ), member: #""typ":1"#),
        Attack("a type with a control character for its plus", .badHeader(.typ), member: #""typ":"at\u000bjwt""#),
        Attack("a key id that is no string", .badHeader(.kid), member: #""kid":1"#),
        Attack("a header that is a list", .badJSON(.header), header: #"[{"alg":"HS256"}]"#),
        Attack("a header with something behind it", .badJSON(.header), header: Signing.header + "{}"),
        Attack("a header that is no JSON", .badJSON(.header), header: "{'alg':'HS256'}"),
        Attack("a header nested too deep", .badJSON(.header),
            header: #"{"alg":"HS256","x":\#(String(repeating: "[", count: 2000))\#(String(repeating: "]", count: 2000))}"#),
    ])
    func `the header cannot choose how it is checked`(attack: Attack) throws {
        try Self.refuses(attack)
    }

    @Test(arguments: [
        Attack("no expiry", .missingClaim(.expiry), payload: #"{"sub":"alice","tenantId":"acme"}"#),
        Attack("a null expiry", .badClaim(.expiry), payload: #"{"sub":"alice","tenantId":"acme","exp":null}"#),
        Attack("an expiry in a string", .badClaim(.expiry), payload: #"{"sub":"alice","tenantId":"acme","exp":"1795268300"}"#),
        Attack("a boolean expiry", .badClaim(.expiry), payload: #"{"sub":"alice","tenantId":"acme","exp":true}"#),
        Attack("an infinite expiry", .badClaim(.expiry), payload: #"{"sub":"alice","tenantId":"acme","exp":1e400}"#),
        Attack("an enormous exponent", .badClaim(.expiry), payload: #"{"sub":"alice","tenantId":"acme","exp":1e999999999999999999999}"#),
        Attack("an expiry whose milliseconds overflow", .badClaim(.expiry), payload: #"{"sub":"alice","tenantId":"acme","exp":9223372036854775807}"#),
        Attack("a negative expiry", .expired, payload: #"{"sub":"alice","tenantId":"acme","exp":-1}"#),
        Attack("two expiries", .badJSON(.payload), claim: #""exp":9999999999"#),
        Attack("a null nbf", .badClaim(.notBefore), claim: #""nbf":null"#),
        Attack("an nbf in a string", .badClaim(.notBefore), claim: #""nbf":"0""#),
        Attack("an nbf too great for a number", .badClaim(.notBefore), claim: #""nbf":1e400"#),
        Attack("an iat that is an object", .badClaim(.issuedAt), claim: #""iat":{}"#),
        Attack("an iat too small for a number", .badClaim(.issuedAt), claim: #""iat":-1e400"#),
        Attack("no subject", .missingClaim(.subject), payload: #"{"tenantId":"acme","exp":9999999999}"#),
        Attack("a numeric subject", .badClaim(.subject), payload: #"{"sub":1,"tenantId":"acme","exp":9999999999}"#),
        Attack("an empty subject", .badClaim(.subject), payload: #"{"sub":"","tenantId":"acme","exp":9999999999}"#),
        Attack("a subject with a line feed", .badClaim(.subject), payload: #"{"sub":"a\nb","tenantId":"acme","exp":9999999999}"#),
        Attack("a subject with a NUL", .badClaim(.subject), payload: #"{"sub":"a\u0000","tenantId":"acme","exp":9999999999}"#),
        Attack("a subject with DEL", .badClaim(.subject), payload: #"{"sub":"a\u007f","tenantId":"acme","exp":9999999999}"#),
        Attack("a subject with a C1 control", .badClaim(.subject), payload: #"{"sub":"a\u009f","tenantId":"acme","exp":9999999999}"#),
        Attack("a subject of 257 bytes", .badClaim(.subject),
            payload: #"{"sub":"\#(String(repeating: "é", count: 128))x","tenantId":"acme","exp":9999999999}"#),
        Attack("no tenant", .missingClaim(.tenant), payload: #"{"sub":"alice","exp":9999999999}"#),
        Attack("a null tenant", .badClaim(.tenant), payload: #"{"sub":"alice","tenantId":null,"exp":9999999999}"#),
        Attack("a tenant with a key's separator", .badClaim(.tenant), payload: #"{"sub":"alice","tenantId":"acme#x","exp":9999999999}"#),
        Attack("a tenant of 129 bytes", .badClaim(.tenant),
            payload: #"{"sub":"alice","tenantId":"\#(String(repeating: "x", count: 129))","exp":9999999999}"#),
        Attack("a tenant with a letter that only looks like K", .badClaim(.tenant), payload: #"{"sub":"alice","tenantId":"\u212a","exp":9999999999}"#),
        Attack("two tenants", .badJSON(.payload), claim: #""tenantId":"other""#),
        Attack("two members deep inside", .badJSON(.payload), claim: #""x":[{"a":1,"a":2}]"#),
        Attack("rooms that are a string", .badClaim(.rooms), claim: #""rooms":"*""#),
        Attack("rooms with a number", .badClaim(.rooms), claim: #""rooms":["a",1]"#),
        Attack("null rooms", .badClaim(.rooms), claim: #""rooms":null"#),
        Attack("a role that is no list", .badClaim(.roles), claim: #""roles":"admin""#),
        Attack("roles with a null", .badClaim(.roles), claim: #""roles":[null]"#),
        Attack("null roles", .badClaim(.roles), claim: #""roles":null"#),
        Attack("a numeric issuer that nobody asks for", .badClaim(.issuer), claim: #""iss":1"#),
        Attack("a null issuer", .badClaim(.issuer), claim: #""iss":null"#),
        Attack("a numeric audience", .badClaim(.audience), claim: #""aud":1"#),
        Attack("an audience with a number", .badClaim(.audience), claim: #""aud":["a",1]"#),
        Attack("a null audience", .badClaim(.audience), claim: #""aud":null"#),
        Attack("a payload that is a list", .badJSON(.payload), payload: "[]"),
        Attack("a payload that is empty", .badJSON(.payload), payload: ""),
    ])
    func `a right signature does not excuse the claims`(attack: Attack) throws {
        try Self.refuses(attack)
    }

    @Test(arguments: [
        Attack("nothing", .notThreeParts, token: ""), Attack("one part", .notThreeParts, token: Attack.parts[0]),
        Attack("no signature part", .notThreeParts, token: Attack.parts[0] + "." + Attack.parts[1]),
        Attack("an empty signature", .badSignature, token: Attack.parts[0] + "." + Attack.parts[1] + "."),
        Attack("four parts", .notThreeParts, token: Attack.valid + ".x"), Attack("five parts", .notThreeParts, token: "a.b.c.d.e"),
        Attack("only dots", .badJSON(.header), token: ".."),
        Attack("a dot behind it", .notThreeParts, token: Attack.valid + "."),
        Attack("a padded signature", .badEncoding(.signature), token: Attack.valid + "="),
        Attack("a line feed behind it", .badEncoding(.signature), token: Attack.valid + "\n"),
        Attack("a space before it", .badEncoding(.header), token: " " + Attack.valid),
        Attack("a NUL behind it", .badEncoding(.signature), token: Attack.valid + "\0"),
        Attack("the standard alphabet", .badEncoding(.signature), token: Attack.parts[0] + "." + Attack.parts[1] + ".++//"),
        Attack("letters that are not ASCII", .badEncoding(.header), token: "é." + Attack.parts[1] + "." + Attack.parts[2]),
        Attack("a payload without a signature over it", .badSignature,
            token: Attack.parts[0] + "." + Base64.encode(Array(Signing.payload(#""roles":["admin"]"#).utf8), alphabet: .url, padding: false) + "." + Attack.parts[2]),
        Attack("a signature cut short", .badSignature, token: Attack.parts[0] + "." + Attack.parts[1] + "." + Attack.parts[2].prefix(40)),
        Attack("a signature that is longer", .badSignature, token: Attack.parts[0] + "." + Attack.parts[1] + "." + Attack.parts[2].dropLast() + "AAAAA"),
        Attack("8193 bytes", .tooLong, token: String(repeating: "a", count: 8193)),
        Attack("megabytes of dots", .tooLong, token: String(repeating: ".", count: 4_000_000)),
    ])
    func `only the one canonical form is read`(attack: Attack) throws {
        try Self.refuses(attack)
    }

    @Test func `trailing bits of the signature are not free to choose`() throws {
        // 32 bytes take 43 characters, of which the last holds two bits that have to be zero.
        let last = try #require(parts(of: Attack.valid).last?.last)
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        let index = try #require(alphabet.firstIndex(of: last))
        let verifier = try Signing.verifier()
        for bits in 1...3 {
            let forged = String(Attack.valid.dropLast()) + String(alphabet[index + bits])
            #expect(throws: TokenError.badEncoding(.signature)) { try verifier.verify(forged, now: Signing.milliseconds) }
        }
    }

    @Test func `no change of one byte is accepted`() throws {
        let verifier = try Signing.verifier()
        let token = Array(Attack.valid.utf8)
        for index in token.indices {
            for replacement in [UInt8(ascii: "A"), UInt8(ascii: "_"), UInt8(ascii: "."), 0x20] where replacement != token[index] {
                var forged = token
                forged[index] = replacement
                let text = String(decoding: forged, as: UTF8.self)
                #expect(throws: TokenError.self) { try verifier.verify(text, now: Signing.milliseconds) }
            }
        }
    }

    @Test func `a header or payload that is not UTF-8 is refused`() throws {
        let key = try TokenKey(secret: Signing.secret)
        let verifier = try Signing.verifier()
        let payload = Array(#"{"sub":""#.utf8) + [0xFF] + Array(#"","tenantId":"acme","exp":9999999999}"#.utf8)
        let token = Signing.token(header: Array(Signing.header.utf8), payload: payload, key: key)
        #expect(throws: TokenError.badJSON(.payload)) { try verifier.verify(token, now: Signing.milliseconds) }
        let marked = Signing.token(header: [0xEF, 0xBB, 0xBF] + Array(Signing.header.utf8), payload: Array(Signing.payload().utf8), key: key)
        #expect(throws: TokenError.badJSON(.header)) { try verifier.verify(marked, now: Signing.milliseconds) }
    }

    private func parts(of token: String) -> [Substring] { token.split(separator: ".") }
}
