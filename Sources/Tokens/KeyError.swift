/// Why a key, or a set of them, cannot be used.
public enum KeyError: Error, Equatable, Sendable {
    /// A secret has fewer than `TokenKey.minSecretBytes` bytes and could be guessed.
    case secretTooShort(bytes: Int)
    /// Not a JSON object with unique names and a list `keys`.
    case notAKeySet
    /// More than `JWKSet.maxBytes`.
    case setTooLong(bytes: Int)
    /// More than `JWKSet.maxKeys`.
    case tooManyKeys(count: Int)

    /// The failure in words for the log, free of anything from the key.
    public var logReason: String {
        switch self {
        case .secretTooShort(let bytes): "a secret of \(bytes) bytes is too short: at least \(TokenKey.minSecretBytes) are needed"
        case .notAKeySet: "not a JSON Web Key Set"
        case .setTooLong(let bytes): "a JSON Web Key Set of \(bytes) bytes is too long: \(JWKSet.maxBytes) are allowed"
        case .tooManyKeys(let count): "a JSON Web Key Set of \(count) keys is too large: \(JWKSet.maxKeys) are allowed"
        }
    }
}
