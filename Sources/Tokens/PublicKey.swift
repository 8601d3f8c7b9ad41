import COpenSSL

/// libcrypto's form of a public key: RSA, a point of a NIST curve, or Ed25519.
@safe final class PublicKey: @unchecked Sendable {
    enum Kind: Sendable, Equatable {
        /// With the length of the modulus, which is that of a signature, in bytes.
        case rsa(bytes: Int)
        case ec(Curve)
        case ed25519
    }

    /// A curve of ECDSA, by its name in a JWK and in libcrypto.
    enum Curve: String, Sendable, CaseIterable {
        case p256 = "P-256"
        case p384 = "P-384"

        /// How many bytes a coordinate has, and so each of `r` and `s`.
        var bytes: Int {
            switch self {
            case .p256: 32
            case .p384: 48
            }
        }
    }

    /// Shorter moduli can be factored by someone with means (RFC 7518 section 3.3).
    static let minRSABits = 2048
    /// Longer moduli make a check cost milliseconds.
    static let maxRSABits = 8192
    /// Longer exponents than those in use, 65537 and 3, only add to what a check costs.
    static let maxExponentBytes = 4
    static let ed25519Bytes = 32

    let kind: Kind
    /// Never changed after `init`, and freed with the last reference: that is what makes sharing it safe.
    let handle: OpaquePointer

    /// An RSA key of a modulus and an exponent, both big-endian without a leading zero.
    init(modulus: [UInt8], exponent: [UInt8]) throws(IgnoredKey.Reason) {
        let bits = modulus.count * 8 - (modulus.first?.leadingZeroBitCount ?? 0)
        guard bits >= Self.minRSABits else { throw .rsaTooShort(bits: bits) }
        guard bits <= Self.maxRSABits else { throw .rsaTooLong(bits: bits) }
        guard Self.isOdd(modulus) else { throw .notAPublicKey }
        guard exponent.count <= Self.maxExponentBytes, Self.isOdd(exponent), exponent != [1] else { throw .rsaExponent }
        let made = unsafe copenssl_rsa_key(modulus, modulus.count, exponent, exponent.count)
        guard let made = unsafe Self.accepted(made) else { throw .notAPublicKey }
        kind = .rsa(bytes: modulus.count)
        unsafe handle = made
    }

    /// The point of a curve with these coordinates. Throws unless the curve has it.
    init(_ curve: Curve, x: [UInt8], y: [UInt8]) throws(IgnoredKey.Reason) {
        guard x.count == curve.bytes, y.count == curve.bytes else { throw .notAPublicKey }
        // Uncompressed, as SEC 1 section 2.3.3 has it.
        let point = [4] + x + y
        let made = unsafe copenssl_ec_key(curve.rawValue, point, point.count)
        guard let made = unsafe Self.accepted(made) else { throw .notAPublicKey }
        kind = .ec(curve)
        unsafe handle = made
        guard isSound else { throw .notAPublicKey }
    }

    /// A public key of Ed25519 (RFC 8032 section 5.1.5).
    init(ed25519 bytes: [UInt8]) throws(IgnoredKey.Reason) {
        guard bytes.count == Self.ed25519Bytes else { throw .notAPublicKey }
        let made = unsafe EVP_PKEY_new_raw_public_key_ex(nil, "ED25519", nil, bytes, bytes.count)
        guard let made = unsafe Self.accepted(made) else { throw .notAPublicKey }
        kind = .ed25519
        unsafe handle = made
    }

    deinit {
        unsafe EVP_PKEY_free(handle)
    }

    /// What a key of this kind can verify.
    var algorithms: Set<Algorithm> {
        switch kind {
        case .rsa: [.rs256, .rs384, .rs512, .ps256, .ps384, .ps512]
        case .ec(.p256): [.es256]
        case .ec(.p384): [.es384]
        case .ed25519: [.eddsa]
        }
    }

    /// libcrypto's own check of a point (SP 800-56A section 5.6.2.3.4). That it is on the curve is enough where each point
    /// is of the curve's order, as on all of ours.
    private var isSound: Bool {
        guard let context = unsafe EVP_PKEY_CTX_new_from_pkey(nil, handle, nil) else { preconditionFailure("out of memory") }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        let isSound = unsafe EVP_PKEY_public_check_quick(context) == 1
        if !isSound { ERR_clear_error() }
        return isSound
    }

    private static func isOdd(_ number: [UInt8]) -> Bool {
        number.last.map { $0 & 1 == 1 } ?? false
    }

    /// What libcrypto made; its reasons for making nothing are forgotten, because the next to read them is another.
    private static func accepted(_ key: OpaquePointer?) -> OpaquePointer? {
        if unsafe key == nil { ERR_clear_error() }
        return unsafe key
    }
}
