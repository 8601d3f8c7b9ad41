import COpenSSL
import CodecChecks
import JSONCoding
import Tokens

/// What holds for everything that may come where a token is awaited.
///
/// The first byte of an input chooses whether the rest is a token, or a header and a payload with a line end between
/// them, which are signed with the service's own secret so that what is behind the signature is reached too.
public enum TokenCheck {
    static let secret = Array("a secret of at least thirty-two bytes".utf8)
    /// 2026-11-21, in milliseconds.
    public static let now: Int64 = 1_795_219_200_000

    private static let verifier: TokenVerifier = {
        do {
            return TokenVerifier(keys: KeySet([try TokenKey(secret: secret)]))
        } catch {
            fatalError("\(error)")
        }
    }()

    public static func run(_ input: [UInt8]) throws(Contradiction) {
        guard let mode = input.first else { return }
        let rest = input.dropFirst()
        guard mode & 1 == 1 else {
            if let token = String(validating: rest, as: UTF8.self) { try judge(token) }
            return
        }
        let parts = rest.split(separator: UInt8(ascii: "\n"), maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return }
        try judge(sign(Array(parts[0]), Array(parts[1])))
    }

    /// Refused with an error that has nothing of the token in it, or right in every part.
    private static func judge(_ token: String) throws(Contradiction) {
        let claims: Claims
        do throws(TokenError) {
            claims = try verifier.verify(token, now: now)
        } catch {
            return try require(error.logReason.utf8.count < 100, "a long reason: \(error)")
        }
        let parts = token.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        try require(parts.count == 3, "\(parts.count) parts")
        let (header, payload) = (try part(parts[0]), try part(parts[1]))
        try require(bytes(sign(header, payload)).elementsEqual(token.utf8), "a signature that the secret does not give")
        try check(header: try object(header))
        try check(claims, against: try object(payload))
        try spoil(token)
    }

    private static func check(header: JSONObject) throws(Contradiction) {
        try require(header["alg"] == .string("HS256"), "alg \(header["alg"] as Any)")
        for name in ["crit", "b64", "jwk", "jku", "x5u", "x5c"] { try require(header[name] == nil, "\(name) is there") }
    }

    private static func check(_ claims: Claims, against payload: JSONObject) throws(Contradiction) {
        try require(payload["sub"] == .string(claims.subject), "subject \(claims.subject)")
        try require(payload["tenantId"] == .string(claims.tenant), "tenant \(claims.tenant)")
        try require(isPlain(claims.tenant), "tenant \(claims.tenant)")
        try require((1...256).contains(claims.subject.utf8.count), "subject of \(claims.subject.utf8.count) bytes")
        let isPrintable = claims.subject.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
        try require(isPrintable, "a control character in the subject")
        let expiry = payload["exp"]?.number
        try require(expiry?.floor == claims.expiresAt && claims.expiresAt * 1000 > now, "exp \(expiry as Any)")
        for name in ["nbf", "iat"] {
            guard let value = payload[name] else { continue }
            try require(value.number?.floor.map { $0 * 1000 <= now + 30_000 } ?? false, "\(name) \(value)")
        }
        for (name, list) in [("rooms", claims.rooms), ("roles", claims.roles)] {
            guard let value = payload[name] else { continue }
            try require(value.array == list?.map { .string($0) }, "\(name) \(value)")
        }
    }

    /// A token that is right is wrong with any one of its characters changed. Tries some of them.
    private static func spoil(_ token: String) throws(Contradiction) {
        let right = bytes(token)
        for index in stride(from: 0, to: right.count, by: max(1, right.count / 7)) + [right.count - 1] {
            for change in [1, 2, 0x20] as [UInt8] {
                var wrong = right
                wrong[index] ^= change
                let text = String(decoding: wrong, as: UTF8.self)
                try require((try? verifier.verify(text, now: now)) == nil, "accepted with byte \(index) changed: \(text)")
            }
        }
    }

    private static func part(_ text: Substring.UTF8View) throws(Contradiction) -> [UInt8] {
        guard let bytes = Base64.decode(String(Substring(text)), alphabet: .url, padding: false) else {
            throw Contradiction(description: "accepted, and no base64url: \(text)")
        }
        return bytes
    }

    private static func object(_ bytes: [UInt8]) throws(Contradiction) -> JSONObject {
        try require(JSONReading.isDocument(bytes), "accepted, and no JSON: \(bytes.text)")
        guard let object = (try? JSONParser.parse(bytes, duplicates: .refuse))?.object else {
            throw Contradiction(description: "accepted, and no object with unique names: \(bytes.text)")
        }
        return object
    }

    /// The token of these two parts, by libcrypto alone.
    public static func sign(_ header: [UInt8], _ payload: [UInt8]) -> String {
        func encode(_ bytes: [UInt8]) -> String { Base64.encode(bytes, alphabet: .url, padding: false) }
        let input = encode(header) + "." + encode(payload)
        var code = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 0
        HMAC(EVP_sha256(), secret, CInt(secret.count), Array(input.utf8), input.utf8.count, &code, &count)
        return input + "." + encode(code)
    }

    private static func bytes(_ token: String) -> [UInt8] { Array(token.utf8) }
}
