import JSONCoding
import Testing

@testable import Tokens

struct JWKSetTests {
    /// One key that is ignored, and why.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let key: String
        let reason: IgnoredKey.Reason

        init(_ name: String, _ reason: IgnoredKey.Reason, _ key: String) {
            (testDescription, self.reason, self.key) = (name, reason, key)
        }
    }

    private static func read(_ document: String, allowsSecrets: Bool = false) throws(KeyError) -> JWKSet {
        try JWKSet(parsing: Array(document.utf8), allowsSecrets: allowsSecrets)
    }

    private static func encoded(_ bytes: [UInt8]) -> String {
        Base64.encode(bytes, alphabet: .url, padding: false)
    }

    /// An odd number of so many bits, which is a modulus as far as anyone can tell by looking.
    private static func rsa(bits: Int, exponent: String = "AQAB") -> String {
        var modulus = [UInt8](repeating: 0xFF, count: (bits + 7) / 8)
        modulus[0] = 0xFF >> UInt8((8 - bits % 8) % 8)
        return #""kty":"RSA","n":"\#(encoded(modulus))","e":"\#(exponent)""#
    }

    private static func secret(_ bytes: Int) -> String {
        #""kty":"oct","k":"\#(encoded([UInt8](repeating: 7, count: bytes)))""#
    }

    @Test func `each key is for the algorithms of its kind`() throws {
        let set = try Self.read(Samples.set)
        #expect(set.ignored == [])
        #expect(set.keys.map(\.id) == ["rsa", "p256", "p384", "ed"])
        #expect(set.keys.map(\.algorithms) == [[.rs256, .rs384, .rs512, .ps256, .ps384, .ps512], [.es256], [.es384], [.eddsa]])
    }

    @Test func `a key with an algorithm is for that one alone`() throws {
        let set = try Self.read(Samples.document([
            #""alg":"PS384",\#(Samples.rsa)"#, #""alg":"ES256",\#(Samples.p256)"#, #""alg":"ES384",\#(Samples.p384)"#,
            #""alg":"EdDSA",\#(Samples.ed25519)"#,
        ]))
        #expect(set.keys.map(\.algorithms) == [[.ps384], [.es256], [.es384], [.eddsa]])
    }

    @Test func `what an issuer says beside the key does not matter`() throws {
        let set = try Self.read(
            #"{"keys":[{"use":"sig","key_ops":["verify","sign"],"x5c":["MIIB"],"x5t":"AAAA","x5u":null,"ext":true,"iat":1,\#(Samples.rsa)}],"issuer":{}}"#)
        #expect(set.keys.count == 1 && set.ignored == [])
        #expect(set.keys[0].id == nil)
    }

    @Test(arguments: [
        Case("neither string nor kind", .badMember(.kty), #""kid":"a""#),
        Case("a kind that is no string", .badMember(.kty), #""kty":1"#),
        Case("a kind in lower case", .unknownKeyType, #""kty":"rsa""#),
        Case("an unknown kind", .unknownKeyType, #""kty":"AKP""#),
        Case("a kid that is no string", .badMember(.kid), #""kid":1,\#(Samples.rsa)"#),
        Case("a null kid", .badMember(.kid), #""kid":null,\#(Samples.rsa)"#),
        Case("a kid of 257 bytes", .badMember(.kid), #""kid":"\#(String(repeating: "k", count: 257))",\#(Samples.rsa)"#),
        Case("for encryption", .notForSignatures, #""use":"enc",\#(Samples.rsa)"#),
        Case("an empty use", .notForSignatures, #""use":"",\#(Samples.rsa)"#),
        Case("a use that is no string", .badMember(.use), #""use":["sig"],\#(Samples.rsa)"#),
        Case("for signing only", .notForVerifying, #""key_ops":["sign"],\#(Samples.rsa)"#),
        Case("for nothing", .notForVerifying, #""key_ops":[],\#(Samples.rsa)"#),
        Case("operations that are no list", .badMember(.operations), #""key_ops":"verify",\#(Samples.rsa)"#),
        Case("an operation that is no string", .badMember(.operations), #""key_ops":["verify",1],\#(Samples.rsa)"#),
        Case("an unknown algorithm", .algorithmNotOfKey, #""alg":"RS1",\#(Samples.rsa)"#),
        Case("no algorithm", .algorithmNotOfKey, #""alg":"none",\#(Samples.rsa)"#),
        Case("an algorithm of encryption", .algorithmNotOfKey, #""alg":"RSA-OAEP",\#(Samples.rsa)"#),
        Case("an algorithm of a secret", .algorithmNotOfKey, #""alg":"HS256",\#(Samples.rsa)"#),
        Case("an algorithm of another kind", .algorithmNotOfKey, #""alg":"ES256",\#(Samples.rsa)"#),
        Case("an algorithm of another curve", .algorithmNotOfKey, #""alg":"ES384",\#(Samples.p256)"#),
        Case("an algorithm that is no string", .badMember(.alg), #""alg":256,\#(Samples.rsa)"#),
        Case("a null algorithm", .badMember(.alg), #""alg":null,\#(Samples.rsa)"#),
        Case("RSA with 2047 bits", .rsaTooShort(bits: 2047), rsa(bits: 2047)),
        Case("RSA with 1024 bits", .rsaTooShort(bits: 1024), Forgeries.weakKey),
        Case("RSA with 8193 bits", .rsaTooLong(bits: 8193), rsa(bits: 8193)),
        Case("an exponent of 1", .rsaExponent, rsa(bits: 2048, exponent: "AQ")),
        Case("an even exponent", .rsaExponent, rsa(bits: 2048, exponent: "AQAA")),
        Case("a long exponent", .rsaExponent, rsa(bits: 2048, exponent: "AQAAAAE")),
        Case("an exponent of 0", .badMember(.e), rsa(bits: 2048, exponent: "AA")),
        Case("an exponent with a leading zero", .badMember(.e), rsa(bits: 2048, exponent: "AAEAAQ")),
        Case("an empty exponent", .badMember(.e), rsa(bits: 2048, exponent: "")),
        Case("no exponent", .badMember(.e), #""kty":"RSA","n":"\#(Samples.modulus)""#),
        Case("an exponent that is no string", .badMember(.e), #""kty":"RSA","n":"\#(Samples.modulus)","e":65537"#),
        Case("no modulus", .badMember(.n), #""kty":"RSA","e":"AQAB""#),
        Case("a modulus with a leading zero", .badMember(.n), #""kty":"RSA","e":"AQAB","n":"AAAA\#(Samples.modulus)""#),
        Case("a modulus with padding", .badMember(.n), #""kty":"RSA","e":"AQAB","n":"\#(Samples.modulus)==""#),
        Case("a modulus with white space", .badMember(.n), #""kty":"RSA","e":"AQAB","n":"\#(Samples.modulus)\n""#),
        Case("a modulus with trailing bits", .badMember(.n), #""kty":"RSA","e":"AQAB","n":"\#(Samples.modulus.dropLast())R""#),
        Case("an even modulus", .notAPublicKey, #""kty":"RSA","e":"AQAB","n":"\#(encoded([UInt8](repeating: 0xFE, count: 256)))""#),
        Case("a private RSA key", .hasPrivatePart, #""d":"AQAB",\#(Samples.rsa)"#),
        Case("a prime of an RSA key", .hasPrivatePart, #""p":null,\#(Samples.rsa)"#),
        Case("a private EC key", .hasPrivatePart, #""d":"AQAB",\#(Samples.p256)"#),
        Case("a private Ed25519 key", .hasPrivatePart, #""d":"AQAB",\#(Samples.ed25519)"#),
        Case("a public key with a secret", .hasPrivatePart, #""k":"AQAB",\#(Samples.rsa)"#),
        Case("no curve", .badMember(.crv), #""kty":"EC","x":"AA","y":"AA""#),
        Case("a curve of Bitcoin", .unknownCurve, #""kty":"EC","crv":"secp256k1","x":"AA","y":"AA""#),
        Case("a curve that is not implemented", .unknownCurve, #""kty":"EC","crv":"P-521","x":"AA","y":"AA""#),
        Case("a curve by libcrypto's name", .unknownCurve, #""kty":"EC","crv":"prime256v1","x":"AA","y":"AA""#),
        Case("Ed448", .unknownCurve, #""kty":"OKP","crv":"Ed448","x":"AA""#),
        Case("a key for agreement", .unknownCurve, #""kty":"OKP","crv":"X25519","x":"AA""#),
        Case("Ed25519 as EC", .unknownCurve, #""kty":"EC","crv":"Ed25519","x":"AA","y":"AA""#),
        Case("no y", .badMember(.y), #""kty":"EC","crv":"P-256","x":"\#(encoded([UInt8](repeating: 1, count: 32)))""#),
        Case("a point that is not on the curve", .notAPublicKey,
            #""kty":"EC","crv":"P-256","x":"\#(encoded([UInt8](repeating: 1, count: 32)))","y":"\#(encoded([UInt8](repeating: 1, count: 32)))""#),
        Case("zero as a point", .notAPublicKey,
            #""kty":"EC","crv":"P-256","x":"\#(encoded([UInt8](repeating: 0, count: 32)))","y":"\#(encoded([UInt8](repeating: 0, count: 32)))""#),
        Case("a coordinate beyond the field", .notAPublicKey,
            #""kty":"EC","crv":"P-256","x":"\#(encoded([UInt8](repeating: 0xFF, count: 32)))","y":"\#(encoded([UInt8](repeating: 1, count: 32)))""#),
        Case("the point of another curve", .notAPublicKey, Samples.p256.replacing("P-256", with: "P-384")),
        Case("a coordinate that is short", .notAPublicKey, #""kty":"EC","crv":"P-256","x":"AQ","y":"AQ""#),
        Case("no x", .badMember(.x), #""kty":"OKP","crv":"Ed25519""#),
        Case("a short Ed25519 key", .notAPublicKey, #""kty":"OKP","crv":"Ed25519","x":"\#(encoded([UInt8](repeating: 1, count: 31)))""#),
        Case("a long Ed25519 key", .notAPublicKey, #""kty":"OKP","crv":"Ed25519","x":"\#(encoded([UInt8](repeating: 1, count: 33)))""#),
        Case("a secret", .secretNotAllowed, secret(64)),
        Case("a secret that says what it is for", .secretNotAllowed, #""alg":"HS256",\#(secret(64))"#),
    ])
    func `a key that must not be used is ignored and the others stay`(ignored: Case) throws {
        let set = try Self.read(Samples.document([#""kid":"first",\#(Samples.p256)"#, ignored.key, #""kid":"last",\#(Samples.ed25519)"#]))
        #expect(set.ignored.map(\.reason) == [ignored.reason])
        #expect(set.ignored.map(\.index) == [1])
        #expect(set.keys.map(\.id) == ["first", "last"])
    }

    @Test(arguments: ["null", "1", #""key""#, "[]"])
    func `an element that is no key is ignored`(element: String) throws {
        let set = try Self.read(#"{"keys":[\#(element),{\#(Samples.ed25519)}]}"#)
        #expect(set.ignored.map(\.reason) == [.notAnObject])
        #expect(set.keys.count == 1)
    }

    @Test(arguments: [2048, 2049, 3072, 4096, 8192])
    func `RSA keys have 2048 to 8192 bits`(bits: Int) throws {
        let set = try Self.read(Samples.document([Self.rsa(bits: bits), Self.rsa(bits: bits, exponent: "Aw"), Self.rsa(bits: bits, exponent: "_____w")]))
        #expect(set.keys.count == 3 && set.ignored == [])
    }

    @Test func `a private file may hold secrets, each as long as its hash`() throws {
        let set = try Self.read(
            Samples.document([
                Self.secret(32), #""alg":"HS256",\#(Self.secret(32))"#, Self.secret(48), #""alg":"HS384",\#(Self.secret(48))"#,
                Self.secret(64), #""alg":"HS512","use":"sig",\#(Self.secret(64))"#,
            ]), allowsSecrets: true)
        #expect(set.ignored == [])
        #expect(set.keys.map(\.algorithms) == [
            [.hs256], [.hs256], [.hs256, .hs384], [.hs384], [.hs256, .hs384, .hs512], [.hs512],
        ])
        #expect(try TokenVerifier(keys: KeySet(set.keys)).verify(
            Signing.token(
                header: Array(#"{"alg":"HS512"}"#.utf8), payload: Array(Samples.payload.utf8),
                key: try TokenKey(secret: [UInt8](repeating: 7, count: 64)), .hs512),
            now: Signing.milliseconds).subject == "alice")
    }

    @Test(arguments: [
        Case("31 bytes", .secretTooShort(bytes: 31), secret(31)),
        Case("one byte", .secretTooShort(bytes: 1), secret(1)),
        Case("47 bytes for HS384", .secretTooShort(bytes: 47), #""alg":"HS384",\#(secret(47))"#),
        Case("63 bytes for HS512", .secretTooShort(bytes: 63), #""alg":"HS512",\#(secret(63))"#),
        Case("none", .badMember(.k), #""kty":"oct""#),
        Case("an empty one", .badMember(.k), #""kty":"oct","k":"""#),
        Case("one with padding", .badMember(.k), #""kty":"oct","k":"\#(encoded([UInt8](repeating: 7, count: 32)))=""#),
        Case("an algorithm of public keys", .algorithmNotOfKey, #""alg":"RS256",\#(secret(64))"#),
        Case("an algorithm of encryption", .algorithmNotOfKey, #""alg":"A256KW",\#(secret(64))"#),
        Case("for signing only", .notForVerifying, #""key_ops":["sign"],\#(secret(64))"#),
    ])
    func `a weak or misplaced secret is ignored`(ignored: Case) throws {
        let set = try Self.read(Samples.document([ignored.key]), allowsSecrets: true)
        #expect(set.ignored.map(\.reason) == [ignored.reason])
        #expect(set.keys.isEmpty)
    }
}
