@testable import Tokens

/// Makes tokens that no honest issuer would, with a right signature.
enum Signing {
    static let secret = Array("0123456789abcdef0123456789abcdef".utf8)

    /// 2026-11-21T13:37:20Z, in seconds and in milliseconds.
    static let now: Int64 = 1_795_268_240
    static let milliseconds = now * 1000

    static let header = #"{"alg":"HS256","typ":"JWT"}"#

    static func token(header: String = header, payload: String, algorithm: Algorithm = .hs256) throws -> String {
        token(header: Array(header.utf8), payload: Array(payload.utf8), key: try TokenKey(secret: secret), algorithm)
    }

    static func token(header: [UInt8], payload: [UInt8], key: TokenKey, _ algorithm: Algorithm = .hs256) -> String {
        TokenMinter.sign(header: header, payload: payload, key, algorithm)
    }

    /// A payload that is valid but for the members added.
    static func payload(_ more: String = "") -> String {
        #"{"sub":"alice","tenantId":"acme","exp":\#(now + 60)\#(more.isEmpty ? "" : ",")\#(more)}"#
    }

    static func verifier(rules: TokenRules = TokenRules()) throws -> TokenVerifier {
        TokenVerifier(keys: KeySet([try TokenKey(secret: secret)]), rules: rules)
    }
}
