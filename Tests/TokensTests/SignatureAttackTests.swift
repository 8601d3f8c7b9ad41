import JSONCoding
import Testing

@testable import Tokens

/// Tokens that only a verifier takes which lets them choose the key's purpose, or reads signatures loosely.
struct SignatureAttackTests {
    private func refuses(_ token: String, _ expected: TokenError, by document: String = Samples.set) throws {
        #expect(throws: expected) { try Samples.verifier(document).verify(token, now: Signing.milliseconds) }
    }

    private static let pem = Array(Forgeries.pem.utf8)
    private static let der = Base64.decode(
        Forgeries.pem.split(separator: "\n").dropFirst().dropLast().joined(), alphabet: .standard, padding: true)!
    private static let modulus = Base64.decode(Samples.modulus, alphabet: .url, padding: false)!

    @Test(arguments: [
        ("PEM", pem), ("PEM with a line's end", pem + [10]), ("DER", der), ("modulus", modulus),
        ("modulus as in the set", Array(Samples.modulus.utf8)), ("JWK", Array("{\(Samples.rsa)}".utf8)), ("set", Array(Samples.set.utf8)),
    ] as [(String, [UInt8])])
    func `a public key is nobody's secret`(form: String, secret: [UInt8]) throws {
        let key = try TokenKey(secret: secret)
        for algorithm in Algorithm.ofSecrets {
            for id in [#","kid":"rsa""#, ""] {
                let header = #"{"alg":"\#(algorithm.rawValue)"\#(id)}"#
                let forged = Signing.token(header: Array(header.utf8), payload: Array(Samples.payload.utf8), key: key, algorithm)
                try refuses(forged, .algorithmNotAllowed)
            }
        }
    }

    @Test func `a secret beside public keys verifies its own tokens alone`() throws {
        let set = try JWKSet(parsing: Array(Samples.set.utf8))
        let verifier = TokenVerifier(keys: KeySet([try TokenKey(secret: Signing.secret)] + set.keys))
        let now = Signing.milliseconds
        #expect(try verifier.verify(try Signing.token(payload: Samples.payload), now: now).subject == "alice")
        #expect(try verifier.verify(Samples.token(.rs256), now: now).subject == "alice")
        let forged = Signing.token(
            header: Array(#"{"alg":"HS256","kid":"rsa"}"#.utf8), payload: Array(Samples.payload.utf8), key: try TokenKey(secret: Self.pem))
        #expect(throws: TokenError.badSignature) { try verifier.verify(forged, now: now) }
    }

    @Test(arguments: ["none", "None", "NONE", "nOnE", "", "RS256 ", "rs256", "ES512", "ES256K", "Ed25519", "RSA-OAEP", "HS1"])
    func `no key is for another algorithm`(name: String) throws {
        for signature in ["", Samples.signature(.rs256)] {
            try refuses(Samples.token(#"{"alg":"\#(name)","kid":"rsa"}"#, signature), .algorithmNotAllowed)
            try refuses(Samples.token(#"{"alg":"\#(name)"}"#, signature), .algorithmNotAllowed)
        }
    }

    @Test(arguments: [(Algorithm.rs256, Algorithm.ps256), (.ps256, .rs256), (.rs256, .rs512), (.ps512, .ps384)])
    func `a key with an algorithm is for that one`(of key: Algorithm, in token: Algorithm) throws {
        let document = Samples.document([#""kid":"rsa","alg":"\#(key.rawValue)",\#(Samples.rsa)"#])
        #expect(try Samples.verifier(document).verify(Samples.token(key), now: Signing.milliseconds).subject == "alice")
        try refuses(Samples.token(token), .algorithmNotAllowed, by: document)
    }

    @Test(arguments: [(Algorithm.es256, "p384"), (.es384, "p256"), (.es256, "rsa"), (.rs256, "p256"), (.eddsa, "p256"), (.es256, "ed"), (.ps256, "ed")])
    func `no token makes a key serve another kind`(algorithm: Algorithm, id: String) throws {
        try refuses(Samples.token(#"{"alg":"\#(algorithm.rawValue)","kid":"\#(id)"}"#, Samples.signature(algorithm)), .algorithmNotAllowed)
    }

    @Test func `PSS has one salt length and one hash`() throws {
        try refuses(Forgeries.otherSalt, .badSignature)
        try refuses(Forgeries.otherMask, .badSignature)
    }

    @Test func `an ECDSA signature in DER is refused`() throws {
        try refuses(Forgeries.der, .badSignature)
    }

    @Test func `r and s have the length of the curve even where their values do not need it`() throws {
        try refuses(Forgeries.shortR, .badSignature)
        #expect(try Samples.verifier(Samples.set).verify(Forgeries.paddedR, now: Signing.milliseconds).subject == "alice")
    }

    /// The orders of P-256 and P-384 (SEC 2 sections 2.4.2 and 2.5.1).
    private static let orders: [(algorithm: Algorithm, order: [UInt8])] = [
        (.es256, [UInt8](repeating: 0xFF, count: 4) + [0, 0, 0, 0] + [UInt8](repeating: 0xFF, count: 8)
            + [0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51]),
        (.es384, [UInt8](repeating: 0xFF, count: 24)
            + [0xC7, 0x63, 0x4D, 0x81, 0xF4, 0x37, 0x2D, 0xDF, 0x58, 0x1A, 0x0D, 0xB2]
            + [0x48, 0xB0, 0xA7, 0x7A, 0xEC, 0xEC, 0x19, 0x6A, 0xCC, 0xC5, 0x29, 0x73]),
    ]

    @Test(arguments: orders)
    func `r and s are neither zero nor as large as the order`(algorithm: Algorithm, order: [UInt8]) throws {
        let zero = [UInt8](repeating: 0, count: order.count)
        let largest = [UInt8](repeating: 0xFF, count: order.count)
        let one: [UInt8] = zero.dropLast() + [1]
        let below: [UInt8] = order.dropLast() + [order[order.count - 1] - 1]
        let signed = try #require(Base64.decode(Samples.signature(algorithm), alphabet: .url, padding: false))
        let (r, s) = (Array(signed.prefix(order.count)), Array(signed.suffix(order.count)))
        let form = SignatureForm.ecdsa(order: order)
        let refused = [
            (zero, zero), (zero, one), (one, zero), (zero, s), (r, zero), (order, s), (r, order), (order, order), (largest, s), (r, largest),
        ]
        for (left, right) in refused {
            #expect(form.encoded(left + right) == nil)
            try refuses(Samples.token(Samples.header(algorithm), Base64.encode(left + right, alphabet: .url, padding: false)), .badSignature)
        }
        for (left, right) in [(one, one), (below, below), (one, below)] {
            #expect(form.encoded(left + right) != nil)
            try refuses(Samples.token(Samples.header(algorithm), Base64.encode(left + right, alphabet: .url, padding: false)), .badSignature)
        }
    }

    @Test(arguments: ["crit", "b64", "jwk", "jku", "x5u", "x5c"])
    func `keys and extensions in a header refuse the token before any key is tried`(member: String) throws {
        let name = try #require(TokenError.HeaderMember(rawValue: member))
        for value in [#"["exp"]"#, "false", "{\(Samples.rsa)}", #""https://evil.example/""#, "null"] {
            let header = #"{"alg":"RS256","kid":"rsa","\#(member)":\#(value)}"#
            try refuses(Samples.token(header, Samples.signature(.rs256)), .badHeader(name))
        }
    }

    @Test func `a weak key verifies nothing, not even what it signed`() throws {
        try refuses(Forgeries.weak, .unknownKey, by: Samples.document([Forgeries.weakKey]))
    }
}
