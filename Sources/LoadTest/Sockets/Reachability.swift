import Glibc

/// Which of a host's addresses answers: a name may stand for several, and the server listen on one.
enum Reachability {
    /// Tries one after the other; throws why the last one failed.
    static func firstAddress(_ endpoint: Endpoint, timeout: Double) throws(LoadError) -> SocketAddress {
        let addresses: [SocketAddress]
        switch SocketAddress.resolve(endpoint.host, port: endpoint.port) {
        case .success(let found): addresses = found
        case .failure(let failure): throw .unreachable(url: endpoint.description, reason: failure.reason)
        }
        // A proxy may be in between, which libcurl finds out by itself.
        if endpoint.isSecure, let first = addresses.first { return first }
        var reason = "no address"
        for address in addresses {
            guard let failure = try attempt(address, milliseconds: CInt(timeout * 1000)) else { return address }
            reason = failure
        }
        throw .unreachable(url: endpoint.description, reason: reason)
    }

    /// Why an address does not accept; nil if it does.
    private static func attempt(_ address: SocketAddress, milliseconds: CInt) throws(LoadError) -> String? {
        let transport: PlainTransport
        do throws(LoadError) {
            transport = try PlainTransport(to: address, from: nil)
        } catch .system(_, let reason) {
            return reason
        }
        var poll = pollfd(fd: transport.descriptor, events: Int16(POLLOUT), revents: 0)
        while true {
            let count = unsafe Glibc.poll(&poll, 1, milliseconds)
            if count > 0 { return transport.failure }
            if count == 0 { return "timed out" }
            if errno != EINTR { return systemError(errno) }
        }
    }
}
