import Glibc

/// Where connections come from: one local address has only so many ports for one destination.
struct Sources: Sendable {
    /// Taken in turn; empty: the kernel chooses.
    private(set) var addresses: [SocketAddress] = []

    /// As given, else as many addresses of 127.0.0.0/8 as the connections need.
    init(_ plan: LoadPlan, to destination: SocketAddress) throws(LoadError) {
        if plan.sources.isEmpty {
            let needed = (plan.connections + Self.portsPerAddress - 1) / Self.portsPerAddress
            guard destination.isLoopbackIPv4, needed > 1 else { return }
            for number in 1...needed { addresses.append(try Self.address("127.0.\(number / 250).\(number % 250 + 1)")) }
        } else {
            for source in plan.sources { addresses.append(try Self.address(source)) }
        }
    }

    subscript(connection: Int) -> SocketAddress? { addresses.isEmpty ? nil : addresses[connection % addresses.count] }

    private static func address(_ text: String) throws(LoadError) -> SocketAddress {
        guard case .success(let found) = SocketAddress.resolve(text, port: 0), let address = found.first else {
            throw .invalidSource(text)
        }
        let probe = socket(address.family, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { _ = close(probe) }
        guard unsafe address.withPointer({ unsafe bind(probe, $0, $1) }) == 0 else { throw .invalidSource(text) }
        return address
    }

    /// Some are taken by others, or wait for their last packets.
    private static let portsPerAddress = 20_000
}

/// The number of descriptors this process may open.
public enum Descriptors {
    /// Raises the soft limit to the hard one.
    public static func require(_ needed: Int) throws(LoadError) {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        guard limit.rlim_max >= UInt(needed) else { throw .tooFewDescriptors(needed: needed, limit: Int(limit.rlim_max)) }
        guard limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
