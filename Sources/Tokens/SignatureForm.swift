import COpenSSL

/// What a signature by a key looks like in a token, and how libcrypto wants it.
enum SignatureForm: Sendable {
    /// As many bytes as the modulus (RFC 8017 sections 8.1.2 and 8.2.2) or twice those of a curve (RFC 8032
    /// section 5.1.6), taken as they are.
    case fixed(bytes: Int)
    /// `r` and `s`, big-endian and each as long as the order (RFC 7518 section 3.4): DER for libcrypto.
    case ecdsa(order: [UInt8])

    init(_ key: PublicKey) {
        self =
            switch key.kind {
            case .rsa(let bytes): .fixed(bytes: bytes)
            case .ed25519: .fixed(bytes: 2 * PublicKey.ed25519Bytes)
            case .ec(let curve): .ecdsa(order: Self.order(of: key, bytes: curve.bytes))
            }
    }

    /// The signature for libcrypto, or nil for one that no signer makes.
    func encoded(_ signature: [UInt8]) -> [UInt8]? {
        switch self {
        case .fixed(let bytes):
            return signature.count == bytes ? signature : nil
        case .ecdsa(let order):
            guard signature.count == 2 * order.count else { return nil }
            let (r, s) = (signature[..<order.count], signature[order.count...])
            for number in [r, s] {
                guard number.contains(where: { $0 != 0 }), number.lexicographicallyPrecedes(order) else { return nil }
            }
            return Self.der(Array(r), Array(s))
        }
    }

    private static func der(_ r: [UInt8], _ s: [UInt8]) -> [UInt8] {
        guard let pair = unsafe ECDSA_SIG_new(), let r = unsafe BN_bin2bn(r, Int32(r.count), nil),
            let s = unsafe BN_bin2bn(s, Int32(s.count), nil), unsafe ECDSA_SIG_set0(pair, r, s) == 1
        else { preconditionFailure("out of memory") }
        defer { unsafe ECDSA_SIG_free(pair) }
        let size = Int(unsafe i2d_ECDSA_SIG(pair, nil))
        precondition(size > 0, "libcrypto failed to encode a signature")
        return unsafe [UInt8](unsafeUninitializedCapacity: size) { bytes, count in
            var next = bytes.baseAddress
            count = Int(unsafe i2d_ECDSA_SIG(pair, &next))
        }
    }

    /// The order of the key's curve in this many bytes.
    private static func order(of key: PublicKey, bytes: Int) -> [UInt8] {
        var order: OpaquePointer?
        guard unsafe EVP_PKEY_get_bn_param(key.handle, OSSL_PKEY_PARAM_EC_ORDER, &order) == 1 else {
            preconditionFailure("libcrypto does not know the order of a curve")
        }
        defer { unsafe BN_free(order) }
        return unsafe [UInt8](unsafeUninitializedCapacity: bytes) { output, count in
            count = Int(unsafe BN_bn2binpad(order, output.baseAddress, Int32(bytes)))
            precondition(count == bytes, "the order of a curve has another size")
        }
    }
}
