import Foundation
import JSONCoding
import Testing

@testable import Tokens

/// The public vectors of JSON Web Signature and JSON Web Key: the folder testvectors_v1 of C2SP/wycheproof, which
/// `MUSTER_JWS_VECTORS` names.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["MUSTER_JWS_VECTORS"] != nil))
struct PublicVectorTests {
    static let folder = ProcessInfo.processInfo.environment["MUSTER_JWS_VECTORS"]

    /// Where the outcome is another, and why.
    private static let differences: [String: [Int64: (isAccepted: Bool, why: String)]] = [
        "json_web_signature_test.json": [
            346: (false, "signed with PS384 under a key that is for PS256"),
            347: (false, "ES512, which is not offered"),
            350: (false, "signed with PS384 under a key that is for PS256"),
            351: (false, "ES512, which is not offered"),
            367: (true, "the same bytes as vector 357, which is valid"),
            370: (true, "the same bytes as vector 357, which is valid"),
            372: (false, "a character that is not of base64url in the header"),
            373: (false, "a character that is not of base64url in the payload"),
        ],
        "json_web_key_test.json": [
            1: (true, "a file may hold secrets beside public keys: each is bound to its algorithms"),
            4: (true, "two keys may have one kid: both are candidates"),
            7: (true, "whether an issuer's own modulus can be factored (ROCA) is not looked into"),
        ],
    ]

    @Test(arguments: ["json_web_signature_test.json", "json_web_key_test.json"])
    func `every vector has its outcome`(file: String) throws {
        let path = "\(try #require(Self.folder))/\(file)"
        let groups = try JSONParser.parse(Array(try Data(contentsOf: URL(filePath: path)))).object?["testGroups"]?.array
        var (count, differing) = (0, 0)
        for group in try #require(groups).compactMap(\.object) {
            let verifier = try Self.verifier(try #require(group["public"] ?? group["private"]))
            for vector in try #require(group["tests"]?.array).compactMap(\.object) {
                let id = try #require(vector["tcId"]?.int64)
                let difference = Self.differences[file]?[id]
                let isValid = vector["result"] == .string("valid")
                let isAccepted = Self.accepts(try #require(vector["jws"]?.string), verifier)
                #expect(isAccepted == difference?.isAccepted ?? isValid, "\(id): \(vector["comment"]?.string ?? "")")
                if difference != nil {
                    #expect(isAccepted != isValid, "\(id) does not differ")
                    differing += 1
                }
                count += 1
            }
        }
        #expect(count > 20 && differing == Self.differences[file]?.count)
        print("\(file): \(count) vectors, \(differing) of them with another outcome than theirs")
    }

    private static func verifier(_ key: JSONValue) throws -> TokenVerifier {
        var document = JSONWriter()
        if key.object?["keys"] == nil {
            document.value(.object(JSONObject([("keys", .array([key]))])))
        } else {
            document.value(key)
        }
        return TokenVerifier(keys: KeySet(try JWKSet(parsing: Array(document.bytes), allowsSecrets: true).keys))
    }

    /// Whether the signature is right. The payloads are no claims, which is looked at only then.
    private static func accepts(_ token: String, _ verifier: TokenVerifier) -> Bool {
        do {
            _ = try verifier.verify(token, now: Signing.milliseconds)
            return true
        } catch {
            switch error {
            case .badJSON(.payload), .missingClaim, .badClaim, .expired: return true
            default: return false
            }
        }
    }
}
