import Testing

@testable import Tokens

/// The document of a set as a whole, and what the log may say of it.
struct JWKSetDocumentTests {
    private static func read(_ document: String) throws(KeyError) -> JWKSet {
        try JWKSet(parsing: Array(document.utf8))
    }

    @Test(arguments: [
        "", " ", "null", "[]", "1", #""keys""#, "{}", #"{"keys":null}"#, #"{"keys":{}}"#, #"{"Keys":[]}"#, "{\(Samples.rsa)}", #"{"keys":[]}x"#,
        #"{"keys":[],}"#, #"{"keys":[],"keys":[]}"#, #"{"keys":[{"kty":"RSA","kty":"oct"}]}"#, #"{"keys":[{"\u006bty":"RSA","kty":"oct"}]}"#,
        "\u{FEFF}{\"keys\":[]}", #"{"keys":[\#(String(repeating: "[", count: 40))\#(String(repeating: "]", count: 40))]}"#,
    ])
    func `what is no set is refused as a whole`(document: String) {
        #expect(throws: KeyError.notAKeySet) { try Self.read(document) }
    }

    @Test func `bytes that are no UTF-8 are no set`() {
        #expect(throws: KeyError.notAKeySet) { try JWKSet(parsing: Array(#"{"keys":[],"x":""#.utf8) + [0xC0, 0x80] + Array(#""}"#.utf8)) }
    }

    @Test func `a set may be empty`() throws {
        let set = try Self.read(#" {"keys": [] } "#)
        #expect(set.keys.isEmpty && set.ignored.isEmpty)
    }

    @Test func `a set has 256 KiB at most`() throws {
        let start = #"{"keys":[],"x":""#
        let longest = start + String(repeating: "x", count: JWKSet.maxBytes - start.utf8.count - 2) + #""}"#
        #expect(longest.utf8.count == 262_144)
        _ = try Self.read(longest)
        #expect(throws: KeyError.setTooLong(bytes: 262_145)) { try Self.read(longest + " ") }
    }

    @Test func `a set has 100 keys at most, counting those that are ignored`() throws {
        let keys = Array(repeating: #""kty":"x""#, count: 99) + [Samples.ed25519]
        let set = try Self.read(Samples.document(keys))
        #expect(set.keys.count == 1 && set.ignored.count == 99)
        #expect(throws: KeyError.tooManyKeys(count: 101)) { try Self.read(Samples.document(keys + [Samples.ed25519])) }
    }

    @Test(arguments: [
        (#""key-1 (old)""#, "key-1 (old)"), (#""""#, nil), (#""a\nb""#, nil), (#""\u007f""#, nil), (#""é""#, nil), ("1", nil),
        (#""\#(String(repeating: "k", count: 64))""#, String(repeating: "k", count: 64)), (#""\#(String(repeating: "k", count: 65))""#, nil),
    ] as [(String, String?)])
    func `the log can name an ignored key if its kid is short and printable`(kid: String, expected: String?) throws {
        let set = try Self.read(Samples.document([#""kid":\#(kid),"kty":"x""#]))
        #expect(set.ignored.map(\.id) == [expected])
    }

    @Test func `no reason says anything of the key`() throws {
        let keys = [
            #""kty":"SECRETIVE""#, #""kty":"EC","crv":"SECRETIVE""#, #""alg":"SECRETIVE",\#(Samples.rsa)"#, #""use":"SECRETIVE",\#(Samples.rsa)"#,
            #""kty":"oct","k":"SECRETIVE""#, #""d":"SECRETIVE",\#(Samples.rsa)"#, #""kty":"RSA","e":"AQAB","n":"SECRETIVE""#,
        ]
        let ignored = try Self.read(Samples.document(keys)).ignored
        #expect(ignored.count == keys.count)
        for key in ignored {
            #expect(!"\(key) \(key.reason.logReason)".contains("SECRETIVE"))
            #expect(!key.reason.logReason.isEmpty)
        }
    }
}
