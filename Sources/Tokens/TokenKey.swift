/// Why a key cannot be used.
public enum KeyError: Error, Equatable, Sendable {
    /// A secret has fewer than `TokenKey.minSecretBytes` bytes and could be guessed.
    case secretTooShort(bytes: Int)
}

/// A key and the algorithms it is for: no token can make it serve another one.
public struct TokenKey: Sendable {
    /// The shortest secret that is accepted: as long as the output of HS256 (RFC 7518 section 3.2).
    public static let minSecretBytes = 32

    /// The name that a token's `kid` may ask for; a key without one answers to every `kid`.
    public let id: String?

    private let authenticators: [Algorithm: HMAC]

    /// A shared secret for the HS* algorithms named.
    public init(
        secret: [UInt8], id: String? = nil, algorithms: Set<Algorithm> = [.hs256, .hs384, .hs512]
    ) throws(KeyError) {
        guard secret.count >= Self.minSecretBytes else { throw .secretTooShort(bytes: secret.count) }
        self.id = id
        var authenticators: [Algorithm: HMAC] = [:]
        for algorithm in algorithms {
            authenticators[algorithm] = HMAC(secret: secret, digest: algorithm.digestName)
        }
        self.authenticators = authenticators
    }

    /// What this key may be used for.
    public var algorithms: Set<Algorithm> { Set(authenticators.keys) }

    func allows(_ algorithm: Algorithm) -> Bool {
        authenticators[algorithm] != nil
    }

    /// Whether `signature` is this key's over `input`. False for an algorithm the key is not for.
    func isValid(_ signature: [UInt8], over input: Span<UInt8>, by algorithm: Algorithm) -> Bool {
        guard let authenticator = authenticators[algorithm] else { return false }
        return authenticator.isCode(signature, over: input)
    }

    /// The signature over `input`. Traps for an algorithm the key is not for.
    func sign(_ input: Span<UInt8>, by algorithm: Algorithm) -> [UInt8] {
        guard let authenticator = authenticators[algorithm] else { preconditionFailure("the key is not for \(algorithm)") }
        return authenticator.code(over: input)
    }
}

/// The keys a service trusts; several secrets allow one to be replaced while tokens of the old one live.
public struct KeySet: Sendable {
    public let keys: [TokenKey]

    public init(_ keys: [TokenKey]) {
        self.keys = keys
    }

    /// The keys that a token with this `kid` may have been signed with.
    func candidates(for id: String?) -> [TokenKey] {
        guard let id else { return keys }
        return keys.filter { $0.id == nil || $0.id?.utf8.elementsEqual(id.utf8) == true }
    }
}
