import COpenSSL

/// libcrypto's HMAC with one key and one hash.
///
/// Fetching the implementation and hashing the key are done once, in `init`; a code costs one copy of that state.
@safe final class HMAC: @unchecked Sendable {
    /// Never changed after `init`, only copied, and freed with the last reference: that is what makes sharing it safe.
    private let keyed: OpaquePointer

    /// Traps if libcrypto lacks HMAC or the hash, which only a broken installation does.
    init(secret: [UInt8], digest: String) {
        guard let implementation = unsafe EVP_MAC_fetch(nil, "HMAC", nil) else {
            preconditionFailure("libcrypto offers no HMAC")
        }
        defer { unsafe EVP_MAC_free(implementation) }
        guard let context = unsafe EVP_MAC_CTX_new(implementation) else { preconditionFailure("out of memory") }
        let isKeyed = unsafe copenssl_mac_init(context, secret, secret.count, digest) == 1
        precondition(isKeyed, "libcrypto offers no HMAC with \(digest)")
        unsafe keyed = context
    }

    deinit {
        unsafe EVP_MAC_CTX_free(keyed)
    }

    /// The code over `input`.
    func code(over input: Span<UInt8>) -> [UInt8] {
        guard let context = unsafe EVP_MAC_CTX_dup(keyed) else { preconditionFailure("out of memory") }
        defer { unsafe EVP_MAC_CTX_free(context) }
        let size = unsafe EVP_MAC_CTX_get_mac_size(context)
        return unsafe [UInt8](unsafeUninitializedCapacity: size) { output, count in
            let isDone = unsafe input.withUnsafeBufferPointer { input in
                unsafe EVP_MAC_update(context, input.baseAddress, input.count) == 1
                    && EVP_MAC_final(context, output.baseAddress, &count, output.count) == 1
            }
            precondition(isDone && count == size, "libcrypto failed to compute a code")
        }
    }

    /// Whether `candidate` is the code over `input`, in a time that does not tell how much of it is right.
    func isCode(_ candidate: [UInt8], over input: Span<UInt8>) -> Bool {
        let code = code(over: input)
        guard candidate.count == code.count else { return false }
        return unsafe CRYPTO_memcmp(candidate, code, code.count) == 0
    }
}
