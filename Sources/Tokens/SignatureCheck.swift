import COpenSSL

/// libcrypto's check of signatures by one public key with one algorithm.
///
/// Finding the implementation and setting it up are done once, in `init`; a check copies that state.
@safe final class SignatureCheck: @unchecked Sendable {
    private let key: PublicKey
    private let form: SignatureForm
    /// Never changed after `init`, only copied, and freed with the last reference: that is what makes sharing it safe.
    /// Nil for Ed25519, whose state before the first byte not every libcrypto can copy.
    private let prepared: OpaquePointer?

    /// Traps for an algorithm that is not of the key, and if libcrypto lacks it, which only a broken installation does.
    init(_ key: PublicKey, _ algorithm: Algorithm) {
        precondition(key.algorithms.contains(algorithm), "the key is not for \(algorithm)")
        self.key = key
        form = SignatureForm(key)
        let context = unsafe Self.context()
        guard let digest = algorithm.digestName else {
            let isReady = unsafe EVP_DigestVerifyInit(context, nil, nil, nil, key.handle) == 1
            precondition(isReady, "libcrypto offers no \(algorithm)")
            unsafe EVP_MD_CTX_free(context)
            unsafe prepared = nil
            return
        }
        var options: OpaquePointer?
        var isReady = unsafe EVP_DigestVerifyInit_ex(context, &options, digest, nil, nil, key.handle, nil) == 1
        if isReady, algorithm.isPSS {
            // RFC 7518 section 3.5: the hash also in MGF1, and a salt of exactly its length.
            isReady = unsafe EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1
                && EVP_PKEY_CTX_set_rsa_mgf1_md_name(options, digest, nil) == 1
                && EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1
        }
        precondition(isReady, "libcrypto offers no \(algorithm)")
        unsafe prepared = context
    }

    deinit {
        unsafe EVP_MD_CTX_free(prepared)
    }

    /// Whether `signature` is the key's over `input`. A signature of a wrong form costs nothing.
    func isValid(_ signature: [UInt8], over input: Span<UInt8>) -> Bool {
        guard let signature = form.encoded(signature) else { return false }
        let context = unsafe Self.context()
        defer { unsafe EVP_MD_CTX_free(context) }
        let isReady =
            if let prepared = unsafe prepared {
                unsafe EVP_MD_CTX_copy_ex(context, prepared) == 1
            } else {
                unsafe EVP_DigestVerifyInit(context, nil, nil, nil, key.handle) == 1
            }
        precondition(isReady, "libcrypto failed to prepare a check")
        // The copy is used once, so that libcrypto need not copy it again.
        unsafe EVP_MD_CTX_set_flags(context, EVP_MD_CTX_FLAG_FINALISE)
        let isValid = unsafe input.withUnsafeBufferPointer { input in
            unsafe EVP_DigestVerify(context, signature, signature.count, input.baseAddress, input.count) == 1
        }
        // libcrypto keeps its reasons for the thread, and whoever looks next would take them for its own.
        if !isValid { ERR_clear_error() }
        return isValid
    }

    private static func context() -> OpaquePointer {
        guard let context = unsafe EVP_MD_CTX_new() else { preconditionFailure("out of memory") }
        return unsafe context
    }
}
