import CodecChecks
import InputChecks
import JSONCoding
import Testing

@testable import Tokens

/// The checks see what they are for: an input that is right reaches what it was made to reach.
@Suite struct CheckTests {
    @Test func `a token that the check signs is one that a verifier takes`() throws {
        let payload = #"{"sub":"u","tenantId":"t","exp":\#(TokenCheck.now / 1000 + 1)}"#
        let token = TokenCheck.sign(Array(#"{"alg":"HS256"}"#.utf8), Array(payload.utf8))
        let key = try TokenKey(secret: Array("a secret of at least thirty-two bytes".utf8))
        #expect(try TokenVerifier(keys: KeySet([key])).verify(token, now: TokenCheck.now).subject == "u")
    }

    @Test(arguments: ["jwks/all", "jwks/rsa", "jwks/p-256", "jwks/p-384", "jwks/ed25519"])
    func `the keys of a set are keys`(_ name: String) throws {
        let inputs = try CorpusTests.jwks.inputs()
        let input = try #require(inputs.first { "jwks/\($0.name)" == name })
        let set = try JWKSet(parsing: input.bytes, allowsSecrets: true)
        #expect(!set.keys.isEmpty && set.ignored.isEmpty)
    }

    /// What two readers of JSON have disagreed about.
    @Test(arguments: [
        "01", "-", "1.", ".5", "1e", "+1", "0x1", "NaN", "[1,]", "{,}", "{\"a\"}", "{\"a\":}", "[", "]", "\"", "\"\\", "\"\\u12\"",
        "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800x\"", "\"\\ud800\\u0041\"", "\"\u{1}\"", "tru", "nulll", "1 2", "", " ", "\u{FEFF}1", "[1 2]", "'a'",
        "{1:2}", "/**/1", "[}", "{]",
    ])
    func `the second reader refuses what is no JSON`(_ text: String) throws {
        #expect((try? JSONParser.parse(text)) == nil)
        #expect(throws: Never.self) { try ClientCheck.run(Array(text.utf8)) }
    }
}
