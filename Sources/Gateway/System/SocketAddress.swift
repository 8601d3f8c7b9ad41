import CLinux
import Glibc

/// An IPv4 or IPv6 address with its port.
struct SocketAddress: Sendable {
    /// Large enough for both families; every connection keeps one.
    private var storage = sockaddr_in6()
    private var length = socklen_t(MemoryLayout<sockaddr_in6>.size)

    /// Lets a system call fill in an address.
    init<Failure: Error>(
        filling body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) throws(Failure) -> Void
    ) throws(Failure) {
        var storage = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let result: Result<Void, Failure> = unsafe withUnsafeMutablePointer(to: &storage) { storage in
            unsafe storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                do throws(Failure) { return .success(unsafe try body(address, &length)) } catch { return .failure(error) }
            }
        }
        try result.get()
        self.storage = storage
        self.length = length
    }

    /// The first address a host name or literal stands for; nil when it stands for none.
    ///
    /// - Parameter isLiteral: names stand for none, and nobody is asked.
    init?(host: String, port: UInt16 = 0, isLiteral: Bool = false) {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = isLiteral ? AI_NUMERICHOST : AI_PASSIVE
        var found: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, String(port), &hints, &found) == 0, let first = unsafe found else { return nil }
        defer { unsafe freeaddrinfo(first) }
        let size = unsafe Int(first.pointee.ai_addrlen)
        guard let address = unsafe first.pointee.ai_addr, size <= MemoryLayout<sockaddr_in6>.size else { return nil }
        unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            unsafe bytes.copyMemory(from: UnsafeRawBufferPointer(start: address, count: size))
        }
        length = socklen_t(size)
    }

    var family: CInt { CInt(storage.sin6_family) }

    func withPointer<Value>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Value) -> Value {
        unsafe withUnsafePointer(to: storage) { storage in
            unsafe storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, length) }
        }
    }

    /// The bytes of the address: 4, or 16; an IPv4 address in IPv6 is IPv4.
    var bytes: [UInt8] {
        let isIPv6 = family == AF_INET6
        let all: [UInt8] = unsafe withUnsafeBytes(of: storage) { bytes in
            // Where sockaddr_in and sockaddr_in6 have the address.
            unsafe Array(isIPv6 ? bytes[8..<24] : bytes[4..<8])
        }
        let isMapped = isIPv6 && all[..<10].allSatisfy { $0 == 0 } && all[10] == 0xFF && all[11] == 0xFF
        return isMapped ? Array(all[12...]) : all
    }

    /// Whether it is of this machine and reached from nowhere else: 127.0.0.0/8 or ::1.
    var isLoopback: Bool {
        let bytes = bytes
        return bytes.count == 4 ? bytes[0] == 127 : bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
    }

    /// The address without the port, as API Gateway writes a `sourceIp`; an IPv4 peer of an IPv6 socket is IPv4.
    var ip: String {
        let isIPv6 = family == AF_INET6
        return unsafe withUnsafeBytes(of: storage) { bytes in
            // Where sockaddr_in and sockaddr_in6 have the address.
            let address = unsafe bytes.baseAddress! + (isIPv6 ? 8 : 4)
            let isMapped = unsafe isIPv6 && bytes[8..<18].allSatisfy { $0 == 0 } && bytes[18] == 0xFF && bytes[19] == 0xFF
            return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { text in
                let found = unsafe inet_ntop(
                    isIPv6 && !isMapped ? AF_INET6 : AF_INET, isMapped ? address + 12 : address, text.baseAddress!,
                    socklen_t(text.count))
                return unsafe found.map { unsafe String(cString: $0) } ?? ""
            }
        }
    }

    var port: UInt16 {
        var storage = storage
        return unsafe withUnsafeBytes(of: &storage) { bytes in
            // The port follows the family in both sockaddr_in and sockaddr_in6.
            UInt16(bigEndian: unsafe bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        }
    }
}
