import Testing

@testable import Tokens

/// Which keys of a set a token is checked with, and what is said when none is right.
struct KeyChoiceTests {
    private static let other = #""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#

    private func outcome(_ token: String, _ keys: [String]) throws -> TokenError? {
        let verifier = try Samples.verifier(keys)
        do {
            _ = try verifier.verify(token, now: Signing.milliseconds)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [
        ("the key of its kid", Samples.token(.eddsa), [#""kid":"ed",\#(Samples.ed25519)"#], nil),
        ("a key without a kid", Samples.token(.eddsa), [Samples.ed25519], nil),
        ("a key without a kid, behind one of its kid", Samples.token(.eddsa), [Samples.ed25519, #""kid":"ed",\#(other)"#], nil),
        ("the second of two with its kid", Samples.token(.eddsa), [#""kid":"ed",\#(other)"#, #""kid":"ed",\#(Samples.ed25519)"#], nil),
        ("the right one under another kid", Samples.token(.eddsa), [#""kid":"ED",\#(Samples.ed25519)"#], .unknownKey),
        ("no key of its kid, and one without that is wrong", Samples.token(.eddsa), [other], .unknownKey),
        ("no key of its kid, and one without of another kind", Samples.token(.eddsa), [Samples.p256], .unknownKey),
        ("a wrong key of its kid", Samples.token(.eddsa), [#""kid":"ed",\#(other)"#], .badSignature),
        ("a key of its kid and another kind", Samples.token(.eddsa), [#""kid":"ed",\#(Samples.p256)"#], .algorithmNotAllowed),
        ("no key at all", Samples.token(.eddsa), [], .unknownKey),
        ("no kid, and a key with one", Forgeries.unnamed, [#""kid":"ed",\#(Samples.ed25519)"#], nil),
        ("no kid, and a wrong key", Forgeries.unnamed, [#""kid":"ed",\#(other)"#], .badSignature),
        ("no kid, and a key of another kind", Forgeries.unnamed, [Samples.p256], .algorithmNotAllowed),
        ("no kid, and no key", Forgeries.unnamed, [], .unknownKey),
        ("a kid that nobody has", Forgeries.unknown, [#""kid":"ed",\#(Samples.ed25519)"#], .unknownKey),
    ] as [(String, String, [String], TokenError?)])
    func `a token's kid chooses the keys`(name: String, token: String, keys: [String], expected: TokenError?) throws {
        #expect(try outcome(token, keys) == expected, "\(name)")
    }

    @Test func `a token without a kid is checked with four public keys at most`() throws {
        #expect(TokenVerifier.maxPublicKeyChecks == 4)
        for (before, expected) in [(3, nil), (4, .badSignature)] as [(Int, TokenError?)] {
            #expect(try outcome(Forgeries.unnamed, Array(repeating: Self.other, count: before) + [Samples.ed25519]) == expected)
        }
    }

    @Test func `keys of another algorithm are not among the four`() throws {
        #expect(try outcome(Forgeries.unnamed, Array(repeating: Samples.p256, count: 20) + [Samples.ed25519]) == nil)
    }

    @Test func `a kid finds its key among a hundred`() throws {
        let others = (1..<JWKSet.maxKeys).map { #""kid":"\#($0)",\#(Self.other)"# }
        #expect(try outcome(Samples.token(.eddsa), others + [#""kid":"ed",\#(Samples.ed25519)"#]) == nil)
    }

    @Test func `secrets are all tried, because a code is cheap`() throws {
        let wrong = try (1...10).map { try TokenKey(secret: [UInt8](repeating: $0, count: 32)) }
        let verifier = TokenVerifier(keys: KeySet(wrong + [try TokenKey(secret: Signing.secret)]))
        #expect(try verifier.verify(try Signing.token(payload: Signing.payload()), now: Signing.milliseconds).subject == "alice")
    }

    @Test(arguments: [(256, nil), (257, .badHeader(.kid))] as [(Int, TokenError?)])
    func `a token's kid has 256 bytes at most`(length: Int, expected: TokenError?) throws {
        let token = try Signing.token(header: #"{"alg":"HS256","kid":"\#(String(repeating: "k", count: length))"}"#, payload: Signing.payload())
        let error: TokenError?
        do {
            _ = try Signing.verifier().verify(token, now: Signing.milliseconds)
            error = nil
        } catch let refusal as TokenError {
            error = refusal
        }
        #expect(error == expected)
    }
}
