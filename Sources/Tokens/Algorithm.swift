/// How a token may be signed (RFC 7518 section 3.1, under the names of its `alg` header).
public enum Algorithm: String, Sendable, CaseIterable {
    case hs256 = "HS256"
    case hs384 = "HS384"
    case hs512 = "HS512"

    /// The hash, as libcrypto calls it.
    var digestName: String {
        switch self {
        case .hs256: "SHA256"
        case .hs384: "SHA384"
        case .hs512: "SHA512"
        }
    }
}
