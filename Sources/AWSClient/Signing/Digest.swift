import COpenSSL
import Synchronization

/// libcrypto's SHA-256.
@safe enum SHA256 {
    static let size = 32

    @safe private struct Implementation: @unchecked Sendable {
        /// Fetched once, never freed and never changed: libcrypto lets any thread use it.
        let digest: OpaquePointer
    }

    private static let implementation: Implementation = {
        guard let digest = unsafe EVP_MD_fetch(nil, "SHA256", nil) else { preconditionFailure("libcrypto offers no SHA-256") }
        return unsafe Implementation(digest: digest)
    }()

    static func digest(_ input: [UInt8]) -> [UInt8] {
        let digest = unsafe implementation.digest
        return unsafe [UInt8](unsafeUninitializedCapacity: size) { output, count in
            let isDone = unsafe EVP_Digest(input, input.count, output.baseAddress, nil, digest, nil) == 1
            precondition(isDone, "libcrypto failed to compute a digest")
            count = size
        }
    }
}

/// libcrypto's HMAC-SHA256 with one key.
///
/// The implementation is found and the key is hashed once, in `init`; a code costs going back to that state.
@safe final class KeyedHash: @unchecked Sendable {
    /// The pointer never changes, and is freed with the last reference; what it leads to is used by whoever holds the lock.
    private let context: OpaquePointer
    private let lock = Mutex(())

    /// Traps if libcrypto lacks HMAC or SHA-256, which only a broken installation does.
    init(key: [UInt8]) {
        guard let implementation = unsafe EVP_MAC_fetch(nil, "HMAC", nil) else {
            preconditionFailure("libcrypto offers no HMAC")
        }
        defer { unsafe EVP_MAC_free(implementation) }
        guard let context = unsafe EVP_MAC_CTX_new(implementation) else { preconditionFailure("out of memory") }
        let isKeyed = unsafe copenssl_mac_init(context, key, key.count, "SHA256") == 1
        precondition(isKeyed, "libcrypto offers no HMAC with SHA-256")
        unsafe self.context = context
    }

    deinit {
        unsafe EVP_MAC_CTX_free(context)
    }

    func code(over input: [UInt8]) -> [UInt8] {
        lock.withLock { _ in
            unsafe [UInt8](unsafeUninitializedCapacity: SHA256.size) { output, count in
                // Without a key: that of before.
                let isDone = unsafe EVP_MAC_init(context, nil, 0, nil) == 1
                    && EVP_MAC_update(context, input, input.count) == 1
                    && EVP_MAC_final(context, output.baseAddress, &count, output.count) == 1
                precondition(isDone && count == SHA256.size, "libcrypto failed to compute a code")
            }
        }
    }
}
