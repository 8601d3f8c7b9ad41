/// A key of a set that is not used, and why. Says nothing of the key itself, so that it can be logged.
public struct IgnoredKey: Sendable, Equatable {
    /// A member of a key (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2).
    public enum Member: String, Sendable, CaseIterable {
        case kty, use, alg, kid, n, e, crv, x, y, k
        case operations = "key_ops"
    }

    public enum Reason: Error, Equatable, Sendable {
        case notAnObject
        /// Missing though required, of the wrong type, too long, or not canonical base64url.
        case badMember(Member)
        /// `use` is not `sig`.
        case notForSignatures
        /// `key_ops` does not contain `verify`.
        case notForVerifying
        /// `alg` is none of ours, or one that a key of this kind cannot do.
        case algorithmNotOfKey
        case unknownKeyType
        case unknownCurve
        /// It came with its private part, which no set may show.
        case hasPrivatePart
        case rsaTooShort(bits: Int)
        case rsaTooLong(bits: Int)
        /// Even, 1, or longer than any in use.
        case rsaExponent
        /// A coordinate is too long or short, the point is not on the curve, or the modulus is even.
        case notAPublicKey
        /// A shared secret in a set that others can read.
        case secretNotAllowed
        /// Shorter than the code of its algorithm, or than that of any.
        case secretTooShort(bytes: Int)

        /// The reason in words for the log, free of anything from the key.
        public var logReason: String {
            switch self {
            case .notAnObject: "not an object"
            case .badMember(let member): "member \(member.rawValue) is missing or wrong"
            case .notForSignatures: "not for signatures"
            case .notForVerifying: "not for verifying"
            case .algorithmNotOfKey: "algorithm unknown or not of this kind of key"
            case .unknownKeyType: "unknown kind of key"
            case .unknownCurve: "unknown curve"
            case .hasPrivatePart: "has its private part: replace this key, which is no longer secret"
            case .rsaTooShort(let bits): "RSA with \(bits) bits: at least \(PublicKey.minRSABits) are needed"
            case .rsaTooLong(let bits): "RSA with \(bits) bits: \(PublicKey.maxRSABits) are allowed"
            case .rsaExponent: "RSA with an exponent that is not allowed"
            case .notAPublicKey: "not a public key of its kind"
            case .secretNotAllowed: "a shared secret, which only a file may hold"
            case .secretTooShort(let bytes): "a secret of \(bytes) bytes: shorter than a code by it"
            }
        }
    }

    /// The longest `id`, in bytes.
    public static let maxIDBytes = 64

    /// Its place in the set's `keys`, from 0.
    public let index: Int
    /// Its `kid`, if that is 1 to `maxIDBytes` bytes of printable ASCII.
    public let id: String?
    public let reason: Reason

    init(index: Int, id: String?, reason: Reason) {
        self.index = index
        self.reason = reason
        if let id, (1...Self.maxIDBytes).contains(id.utf8.count), id.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) {
            self.id = id
        } else {
            self.id = nil
        }
    }
}
