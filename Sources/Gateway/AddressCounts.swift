import ChatModel
import Synchronization

/// Connections that one client address may have.
public struct AddressLimit: Sendable, Equatable {
    /// 0: no limit.
    public var connections: Int
    /// Whether loopback addresses count too, behind which is a proxy, or a load test.
    public var countsLoopback: Bool

    public init(connections: Int = Limits.connectionsPerAddress, countsLoopback: Bool = false) {
        self.connections = connections
        self.countsLoopback = countsLoopback
    }
}

/// The live connections of each address, on all loops together: exact, and as many entries as there are addresses.
final class AddressCounts: Sendable {
    /// An IPv4 address, or the first 64 bits of an IPv6 one, which are one customer's.
    private struct Key: Hashable {
        let isIPv6: Bool
        let bits: UInt64

        init(_ bytes: [UInt8]) {
            isIPv6 = bytes.count > 4
            bits = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    private let limit: AddressLimit
    private let counts = Mutex<[Key: Int]>([:])

    init(_ limit: AddressLimit) { self.limit = limit }

    /// Whether one more connection may come from there; if so it counts, until ``leave(_:)``.
    func enter(_ address: SocketAddress) -> Bool {
        guard isCounted(address) else { return true }
        let key = Key(address.bytes)
        return counts.withLock { counts in
            let count = counts[key, default: 0]
            guard count < limit.connections else { return false }
            counts[key] = count + 1
            return true
        }
    }

    /// A connection that had entered is gone.
    func leave(_ address: SocketAddress) {
        guard isCounted(address) else { return }
        let key = Key(address.bytes)
        counts.withLock { counts in
            let count = counts[key, default: 0]
            precondition(count > 0, "who leaves had entered")
            counts[key] = count == 1 ? nil : count - 1
        }
    }

    /// Addresses with a connection.
    var count: Int { counts.withLock { $0.count } }

    private func isCounted(_ address: SocketAddress) -> Bool {
        limit.connections > 0 && (limit.countsLoopback || !address.isLoopback)
    }
}
