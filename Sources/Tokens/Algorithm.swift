/// How a token may be signed (RFC 7518 section 3.1 and RFC 8037, under the names of its `alg` header). `none` is not
/// among them.
public enum Algorithm: String, Sendable, CaseIterable {
    case hs256 = "HS256"
    case hs384 = "HS384"
    case hs512 = "HS512"
    case rs256 = "RS256"
    case rs384 = "RS384"
    case rs512 = "RS512"
    case ps256 = "PS256"
    case ps384 = "PS384"
    case ps512 = "PS512"
    case es256 = "ES256"
    case es384 = "ES384"
    /// With the curve Ed25519 only.
    case eddsa = "EdDSA"

    /// The algorithms of a shared secret; all others are of a public key.
    public static let ofSecrets: Set<Algorithm> = [.hs256, .hs384, .hs512]

    /// The algorithm of this name, byte for byte.
    init?(named name: String) {
        guard let algorithm = Self.allCases.first(where: { $0.rawValue.utf8.elementsEqual(name.utf8) }) else { return nil }
        self = algorithm
    }

    /// The hash, as libcrypto calls it; nil where it is part of the signature's own definition.
    var digestName: String? {
        switch self {
        case .hs256, .rs256, .ps256, .es256: "SHA256"
        case .hs384, .rs384, .ps384, .es384: "SHA384"
        case .hs512, .rs512, .ps512: "SHA512"
        case .eddsa: nil
        }
    }

    /// How long the code of a secret is; 0 for a public key's signature, whose length is the key's.
    var codeBytes: Int {
        switch self {
        case .hs256: 32
        case .hs384: 48
        case .hs512: 64
        default: 0
        }
    }

    /// Whether the signature is of RSASSA-PSS.
    var isPSS: Bool {
        switch self {
        case .ps256, .ps384, .ps512: true
        default: false
        }
    }
}
