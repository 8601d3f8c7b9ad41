import COpenSSL

/// libcrypto's plain hashes.
public enum Digest {
    /// 20 bytes. For what needs no collision resistance, such as the WebSocket handshake (RFC 6455 section 4.2.2).
    public static func sha1(_ bytes: [UInt8]) -> [UInt8] {
        unsafe digest(bytes, EVP_sha1())
    }

    /// 32 bytes.
    public static func sha256(_ bytes: [UInt8]) -> [UInt8] {
        unsafe digest(bytes, EVP_sha256())
    }

    private static func digest(_ bytes: [UInt8], _ type: OpaquePointer?) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { output, count in
            var size: UInt32 = 0
            let isDone = unsafe EVP_Digest(bytes, bytes.count, output.baseAddress, &size, type, nil) == 1
            precondition(isDone, "libcrypto refuses the hash")
            count = Int(size)
        }
    }
}
