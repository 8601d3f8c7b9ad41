import JSONCoding
import Testing

@testable import Tokens

struct PublicKeyTests {
    @Test(arguments: Samples.algorithms)
    func `each algorithm verifies what its key signed`(algorithm: Algorithm) throws {
        let claims = try Samples.verifier(Samples.set).verify(Samples.token(algorithm), now: Signing.milliseconds)
        #expect(claims.subject == "alice" && claims.tenant == "acme")
    }

    @Test(arguments: Samples.algorithms)
    func `no algorithm verifies what another signed`(algorithm: Algorithm) throws {
        let verifier = try Samples.verifier(Samples.set)
        for other in Samples.algorithms where other != algorithm {
            // With the header that the signature is for no other algorithm is named, so the header changes with it.
            let token = Samples.token(Samples.header(algorithm), Samples.signature(other))
            #expect(throws: TokenError.badSignature, "\(other)") { try verifier.verify(token, now: Signing.milliseconds) }
        }
    }

    @Test(arguments: Samples.algorithms)
    func `a signature is for one header and one payload`(algorithm: Algorithm) throws {
        let verifier = try Samples.verifier(Samples.set)
        let signature = Samples.signature(algorithm)
        let changed = [
            Samples.token(#"{"alg":"\#(algorithm.rawValue)", "kid":"\#(Samples.keyID(algorithm))"}"#, signature),
            Samples.token(Samples.header(algorithm), payload: #"{"sub":"mallory","tenantId":"acme","exp":9999999999}"#, signature),
        ]
        for token in changed {
            #expect(throws: TokenError.badSignature) { try verifier.verify(token, now: Signing.milliseconds) }
        }
    }

    @Test(arguments: Samples.algorithms)
    func `a signature counts with every one of its bits`(algorithm: Algorithm) throws {
        let verifier = try Samples.verifier(Samples.set)
        let signature = try #require(Base64.decode(Samples.signature(algorithm), alphabet: .url, padding: false))
        for index in stride(from: 0, to: signature.count, by: 7) {
            var changed = signature
            changed[index] ^= 1 << (index % 8)
            let token = Samples.token(Samples.header(algorithm), Base64.encode(changed, alphabet: .url, padding: false))
            #expect(throws: TokenError.badSignature, "byte \(index)") { try verifier.verify(token, now: Signing.milliseconds) }
        }
    }

    @Test(arguments: Samples.algorithms)
    func `a signature has one length`(algorithm: Algorithm) throws {
        let verifier = try Samples.verifier(Samples.set)
        let signature = try #require(Base64.decode(Samples.signature(algorithm), alphabet: .url, padding: false))
        let changed = [[], [0] + signature, signature + [0], Array(signature.dropLast()), Array(signature.dropFirst()), signature + signature]
        for signature in changed {
            let token = Samples.token(Samples.header(algorithm), Base64.encode(signature, alphabet: .url, padding: false))
            #expect(throws: TokenError.badSignature, "\(signature.count) bytes") { try verifier.verify(token, now: Signing.milliseconds) }
        }
    }

    @Test func `one key verifies on many threads at once`() async throws {
        let verifier = try Samples.verifier(Samples.set)
        let verified = await withTaskGroup(of: Int.self) { group in
            for worker in 0..<8 {
                group.addTask {
                    (0..<100).count { (number: Int) in
                        let token = Samples.token(Samples.algorithms[(worker + number) % Samples.algorithms.count])
                        return (try? verifier.verify(token, now: Signing.milliseconds)) != nil
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(verified == 800)
    }

    /// RFC 8037 appendix A.4, whose payload is no JSON: that is looked at only once the signature is right.
    @Test func `the example of RFC 8037 verifies`() throws {
        let verifier = try Samples.verifier([#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#])
        let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
            + ".hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        #expect(throws: TokenError.badJSON(.payload)) { try verifier.verify(token, now: Signing.milliseconds) }
    }

    /// RFC 7515 appendix A.3.
    @Test func `the example of RFC 7515 verifies`() throws {
        let verifier = try Samples.verifier([
            #""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#,
        ])
        let token = "eyJhbGciOiJFUzI1NiJ9"
            + ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
            + ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
        #expect(throws: TokenError.expired) { try verifier.verify(token, now: Signing.milliseconds) }
    }
}
