import JSONCoding

/// Decides whether a JSON Web Token (RFC 7519, signed as RFC 7515 has it) may connect, and as whom.
///
/// Strict where readers of tokens have disagreed: one encoding per byte string, no duplicate names, no extensions, keys
/// only from the configuration. Nothing of the payload is looked at before the signature is right.
public struct TokenVerifier: Sendable {
    private let keys: KeySet
    private let rules: TokenRules

    /// How many public keys one token is checked with. A token whose `kid` names its key needs one check; without a
    /// `kid` it could else cost one for each key of a set.
    public static let maxPublicKeyChecks = 4

    public init(keys: KeySet, rules: TokenRules = TokenRules()) {
        self.keys = keys
        self.rules = rules
    }

    /// The claims of a token that is valid at `now`, in milliseconds since the epoch. Throws the first check that
    /// failed; whatever it is, the peer sees 401 and no reason.
    public func verify(_ token: String, now: Int64) throws(TokenError) -> Claims {
        let bytes = token.utf8.span
        guard bytes.count <= rules.maxTokenBytes else { throw .tooLong }
        let (header, payload, signature) = try Self.split(bytes)
        let envelope = try TokenHeader(Self.object(bytes.extracting(header), .header))
        let code = try Self.decode(bytes.extracting(signature), .signature)
        try check(code, over: bytes.extracting(0..<payload.upperBound), envelope)
        let claims = try Self.object(bytes.extracting(payload), .payload)
        return try ClaimReader(claims: claims, rules: rules).read(now: now)
    }

    private func check(_ signature: [UInt8], over input: Span<UInt8>, _ header: TokenHeader) throws(TokenError) {
        guard let algorithm = header.algorithm else { throw .algorithmNotAllowed }
        let candidates = keys.candidates(for: header.keyID)
        let allowed = candidates.keys.lazy.filter { $0.allows(algorithm) }
        let tried = Algorithm.ofSecrets.contains(algorithm) ? .max : Self.maxPublicKeyChecks
        for key in allowed.prefix(tried) where key.isValid(signature, over: input, by: algorithm) { return }
        // A key that is not here may come with the next set, so this is said before anything about those that are.
        guard candidates.isKnown else { throw .unknownKey }
        throw allowed.isEmpty ? .algorithmNotAllowed : .badSignature
    }

    /// Where the three parts are between the two dots.
    private static func split(
        _ token: Span<UInt8>
    ) throws(TokenError) -> (header: Range<Int>, payload: Range<Int>, signature: Range<Int>) {
        var dots: (first: Int?, second: Int?) = (nil, nil)
        for index in token.indices where token[index] == UInt8(ascii: ".") {
            if dots.first == nil {
                dots.first = index
            } else if dots.second == nil {
                dots.second = index
            } else {
                throw .notThreeParts
            }
        }
        guard let first = dots.first, let second = dots.second else { throw .notThreeParts }
        return (0..<first, first + 1..<second, second + 1..<token.count)
    }

    private static func decode(_ text: Span<UInt8>, _ part: TokenError.Part) throws(TokenError) -> [UInt8] {
        guard let bytes = Base64.decode(text, alphabet: .url, padding: false) else { throw .badEncoding(part) }
        return bytes
    }

    private static func object(_ text: Span<UInt8>, _ part: TokenError.Part) throws(TokenError) -> JSONObject {
        let bytes = try decode(text, part)
        do {
            if case .object(let object) = try JSONParser.parse(bytes, duplicates: .refuse) { return object }
        } catch {}
        throw .badJSON(part)
    }
}
