/// A key and the algorithms it is for: no token can make it serve another one.
public struct TokenKey: Sendable {
    /// The shortest secret that is accepted: as long as the output of HS256 (RFC 7518 section 3.2).
    public static let minSecretBytes = 32

    /// The longest `kid` of a key or a token, in bytes.
    public static let maxIDBytes = 256

    /// The name that a token's `kid` may ask for; a key without one answers to every `kid`.
    public let id: String?

    private let authenticators: [Algorithm: Authenticator]

    private enum Authenticator: Sendable {
        case code(HMAC)
        case signature(SignatureCheck)
    }

    /// A shared secret for the HS* algorithms named. Traps for an algorithm that is not of a secret.
    public init(
        secret: [UInt8], id: String? = nil, algorithms: Set<Algorithm> = Algorithm.ofSecrets
    ) throws(KeyError) {
        precondition(algorithms.isSubset(of: Algorithm.ofSecrets), "a secret is for HS256, HS384 and HS512 only")
        guard secret.count >= Self.minSecretBytes else { throw .secretTooShort(bytes: secret.count) }
        self.id = id
        var authenticators: [Algorithm: Authenticator] = [:]
        for algorithm in algorithms {
            guard let digest = algorithm.digestName else { continue }
            authenticators[algorithm] = .code(HMAC(secret: secret, digest: digest))
        }
        self.authenticators = authenticators
    }

    /// A public key for those of its algorithms that are named. Traps for one that it cannot serve.
    init(_ key: PublicKey, id: String?, algorithms: Set<Algorithm>) {
        precondition(algorithms.isSubset(of: key.algorithms), "a public key is for its own algorithms only")
        self.id = id
        var authenticators: [Algorithm: Authenticator] = [:]
        for algorithm in algorithms {
            authenticators[algorithm] = .signature(SignatureCheck(key, algorithm))
        }
        self.authenticators = authenticators
    }

    /// What this key may be used for.
    public var algorithms: Set<Algorithm> { Set(authenticators.keys) }

    func allows(_ algorithm: Algorithm) -> Bool {
        authenticators[algorithm] != nil
    }

    /// Whether `signature` is this key's over `input`. False for an algorithm the key is not for.
    ///
    /// Costs a few microseconds for a secret; for a public key tens (RSA, P-256), hundreds (RSA of 8192 bits, Ed25519) or,
    /// for P-384, a thousand, unless the signature has a form that none of the key has.
    func isValid(_ signature: [UInt8], over input: Span<UInt8>, by algorithm: Algorithm) -> Bool {
        switch authenticators[algorithm] {
        case .code(let hmac): hmac.isCode(signature, over: input)
        case .signature(let check): check.isValid(signature, over: input)
        case nil: false
        }
    }

    /// The code over `input`. Traps for an algorithm the key is not for, and for a public key, which cannot sign.
    func sign(_ input: Span<UInt8>, by algorithm: Algorithm) -> [UInt8] {
        guard case .code(let hmac) = authenticators[algorithm] else { preconditionFailure("the key does not sign by \(algorithm)") }
        return hmac.code(over: input)
    }
}
