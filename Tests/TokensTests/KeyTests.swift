import JSONCoding
import Testing

@testable import Tokens

struct KeyTests {
    @Test func `a secret has at least 32 bytes`() throws {
        let short = [UInt8](repeating: 1, count: 31)
        #expect(throws: KeyError.secretTooShort(bytes: 31)) { try TokenKey(secret: short) }
        #expect(throws: KeyError.secretTooShort(bytes: 31)) { try TokenMinter(secret: short) }
        _ = try TokenKey(secret: short + [1])
    }

    @Test(arguments: Algorithm.ofSecrets)
    func `each algorithm verifies what it signed and nothing else`(algorithm: Algorithm) throws {
        let verifier = try Signing.verifier()
        for named in Algorithm.ofSecrets {
            let token = try Signing.token(header: #"{"alg":"\#(named.rawValue)"}"#, payload: Signing.payload(), algorithm: algorithm)
            if named == algorithm {
                #expect(try verifier.verify(token, now: Signing.milliseconds).subject == "alice")
            } else {
                #expect(throws: TokenError.badSignature) { try verifier.verify(token, now: Signing.milliseconds) }
            }
        }
    }

    @Test func `a key serves only the algorithms it is for`() throws {
        let verifier = TokenVerifier(keys: KeySet([try TokenKey(secret: Signing.secret, algorithms: [.hs512])]))
        let weaker = try Signing.token(payload: Signing.payload())
        #expect(throws: TokenError.algorithmNotAllowed) { try verifier.verify(weaker, now: Signing.milliseconds) }
        let right = try Signing.token(header: #"{"alg":"HS512"}"#, payload: Signing.payload(), algorithm: .hs512)
        #expect(try verifier.verify(right, now: Signing.milliseconds).subject == "alice")
    }

    @Test func `a key id selects the key`() throws {
        let old = try TokenKey(secret: [UInt8](repeating: 1, count: 32), id: "old")
        let new = try TokenKey(secret: [UInt8](repeating: 2, count: 32), id: "new")
        let verifier = TokenVerifier(keys: KeySet([old, new]))
        func token(_ header: String, _ key: TokenKey) -> String {
            Signing.token(header: Array(header.utf8), payload: Array(Signing.payload().utf8), key: key)
        }
        for (id, key) in [("old", old), ("new", new)] {
            let named = token(#"{"alg":"HS256","kid":"\#(id)"}"#, key)
            #expect(try verifier.verify(named, now: Signing.milliseconds).subject == "alice")
            let unnamed = token(#"{"alg":"HS256"}"#, key)
            #expect(try verifier.verify(unnamed, now: Signing.milliseconds).subject == "alice")
        }
        let swapped = token(#"{"alg":"HS256","kid":"old"}"#, new)
        #expect(throws: TokenError.badSignature) { try verifier.verify(swapped, now: Signing.milliseconds) }
        let unknown = token(#"{"alg":"HS256","kid":"other"}"#, new)
        #expect(throws: TokenError.unknownKey) { try verifier.verify(unknown, now: Signing.milliseconds) }
    }

    @Test func `without keys every token is of an unknown key`() throws {
        let token = try Signing.token(payload: Signing.payload())
        #expect(throws: TokenError.unknownKey) { try TokenVerifier(keys: KeySet([])).verify(token, now: Signing.milliseconds) }
    }

    @Test func `one key verifies on many threads at once`() async throws {
        let verifier = try Signing.verifier()
        let token = try Signing.token(payload: Signing.payload())
        let verified = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    (0..<500).count { (_: Int) in (try? verifier.verify(token, now: Signing.milliseconds)) != nil }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(verified == 4000)
    }

    /// RFC 4231 test case 6, whose key is longer than a block.
    @Test func `codes are those of RFC 4231`() {
        let hmac = HMAC(secret: [UInt8](repeating: 0xAA, count: 131), digest: "SHA256")
        let code = hmac.code(over: "Test Using Larger Than Block-Size Key - Hash Key First".utf8.span)
        #expect(hex(code) == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
    }

    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
