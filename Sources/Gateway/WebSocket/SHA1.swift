import COpenSSL

/// SHA-1 as the opening handshake uses it (RFC 6455 section 1.3), by libcrypto.
enum SHA1 {
    static func digest(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 20)
        let done = unsafe EVP_Digest(bytes, bytes.count, &digest, nil, EVP_sha1(), nil)
        precondition(done == 1, "libcrypto has no SHA-1")
        return digest
    }
}
