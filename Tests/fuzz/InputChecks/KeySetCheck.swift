import CodecChecks
import JSONCoding
import Tokens

/// What holds for everything that may be served where a JSON Web Key Set is awaited.
public enum KeySetCheck {
    /// Tokens that no set has the key for: their signatures are zeros, of the lengths that signatures have.
    private static let tokens = Algorithm.allCases.flatMap { algorithm in
        [nil, "a"].flatMap { id in
            [32, 64, 96, 256].map { token(algorithm.rawValue, id, signature: [UInt8](repeating: 0, count: $0)) }
        }
    }

    public static func run(_ document: [UInt8]) throws(Contradiction) {
        let elements = (try? JSONParser.parse(document, duplicates: .refuse))?.object?["keys"]?.array
        for allowsSecrets in [false, true] {
            guard let set = try? JWKSet(parsing: document, allowsSecrets: allowsSecrets) else {
                try require(elements == nil || elements!.count > JWKSet.maxKeys, "a set was refused")
                continue
            }
            guard let elements else { throw Contradiction(description: "keys of what is no set") }
            try require(set.keys.count + set.ignored.count == elements.count, "\(elements.count) keys, and others were read")
            try require(elements.count <= JWKSet.maxKeys, "\(elements.count) keys")
            for key in set.keys { try check(key, allowsSecrets: allowsSecrets) }
            try reject(set)
        }
    }

    /// No key serves an algorithm of a secret and one of a public key, and none none.
    private static func check(_ key: TokenKey, allowsSecrets: Bool) throws(Contradiction) {
        let secrets = key.algorithms.intersection(Algorithm.ofSecrets)
        try require(!key.algorithms.isEmpty, "a key for nothing")
        try require(secrets.isEmpty || secrets == key.algorithms, "a key for \(key.algorithms)")
        try require(secrets.isEmpty || allowsSecrets, "a secret that is not allowed")
        try require(key.id?.utf8.count ?? 0 <= TokenKey.maxIDBytes, "a kid of \(key.id?.utf8.count ?? 0) bytes")
    }

    private static func reject(_ set: JWKSet) throws(Contradiction) {
        guard !set.keys.isEmpty else { return }
        let verifier = TokenVerifier(keys: KeySet(set.keys))
        for token in tokens {
            try require((try? verifier.verify(token, now: TokenCheck.now)) == nil, "accepted: \(token)")
        }
    }

    private static func token(_ algorithm: String, _ id: String?, signature: [UInt8]) -> String {
        func encode(_ bytes: [UInt8]) -> String { Base64.encode(bytes, alphabet: .url, padding: false) }
        var header = JSONWriter()
        header.beginObject()
        header.member("alg", algorithm)
        header.member("kid", ifPresent: id)
        header.endObject()
        let payload = #"{"sub":"u","tenantId":"t","exp":\#(TokenCheck.now / 1000 + 60)}"#
        return "\(encode(header.bytes)).\(encode(Array(payload.utf8))).\(encode(signature))"
    }
}
