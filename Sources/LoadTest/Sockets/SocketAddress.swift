import Glibc

/// An IPv4 or IPv6 address with its port.
struct SocketAddress: Sendable {
    private var storage = sockaddr_storage()
    private var length: socklen_t = 0

    /// Every address that a host name or literal stands for, or why there is none.
    static func resolve(_ host: String, port: UInt16) -> Result<[SocketAddress], ResolveFailure> {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let result = unsafe getaddrinfo(host, String(port), &hints, &found)
        guard result == 0 else { return .failure(ResolveFailure(reason: unsafe String(cString: gai_strerror(result)))) }
        defer { unsafe freeaddrinfo(found) }
        var addresses: [SocketAddress] = []
        var next = unsafe found
        while let entry = unsafe next {
            var address = SocketAddress()
            let size = unsafe Int(entry.pointee.ai_addrlen)
            if let bytes = unsafe entry.pointee.ai_addr, size <= MemoryLayout<sockaddr_storage>.size {
                unsafe withUnsafeMutableBytes(of: &address.storage) {
                    unsafe $0.copyMemory(from: UnsafeRawBufferPointer(start: bytes, count: size))
                }
                address.length = socklen_t(size)
                addresses.append(address)
            }
            unsafe next = entry.pointee.ai_next
        }
        return .success(addresses)
    }

    struct ResolveFailure: Error { let reason: String }

    var family: CInt { CInt(storage.ss_family) }

    var isLoopbackIPv4: Bool { family == AF_INET && ip.hasPrefix("127.") }

    func withPointer<Value>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Value) -> Value {
        unsafe withUnsafePointer(to: storage) { storage in
            unsafe storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, length) }
        }
    }

    var ip: String {
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let failed = unsafe withPointer { address, length in
            unsafe getnameinfo(address, length, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
        }
        return failed == 0 ? String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) : ""
    }
}

/// The system's words for an errno.
func systemError(_ number: CInt) -> String { unsafe String(cString: strerror(number)) }
