import Glibc

/// TCP.
final class PlainTransport: Transport {
    let descriptor: CInt
    let buffersInside = false
    private var isOpen = true

    /// Begins to connect; the descriptor is writable when that has succeeded or failed, as ``failure`` tells.
    init(to address: SocketAddress, from source: SocketAddress?) throws(LoadError) {
        descriptor = socket(
            address.family, CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .system(call: "socket", reason: systemError(errno)) }
        set(CInt(IPPROTO_TCP), TCP_NODELAY, 1)
        if let source {
            // The port is chosen when the destination is known: it can then serve several destinations.
            set(CInt(IPPROTO_IP), IP_BIND_ADDRESS_NO_PORT, 1)
            guard unsafe source.withPointer({ unsafe bind(descriptor, $0, $1) }) == 0 else {
                let reason = systemError(errno)
                close()
                throw .system(call: "bind to \(source.ip)", reason: reason)
            }
        }
        let result = unsafe address.withPointer { unsafe connect(descriptor, $0, $1) }
        guard result == 0 || errno == EINPROGRESS else {
            let reason = systemError(errno)
            close()
            throw .system(call: "connect", reason: reason)
        }
    }

    deinit { close() }

    /// Why connecting failed; nil if it did not.
    var failure: String? {
        var error: CInt = 0
        var size = socklen_t(MemoryLayout<CInt>.size)
        _ = unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size)
        return error == 0 ? nil : systemError(error)
    }

    func receive(into buffer: UnsafeMutableRawBufferPointer) -> Reading {
        while true {
            let count = unsafe recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if count > 0 { return .bytes(count) }
            if count == 0 { return .end }
            if errno == EINTR { continue }
            return errno == EAGAIN ? .nothingYet : .failure(systemError(errno))
        }
    }

    func send(_ bytes: ArraySlice<UInt8>) -> Writing {
        while true {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            if count >= 0 { return .bytes(count) }
            if errno == EINTR { continue }
            return errno == EAGAIN ? .full : .failure(systemError(errno))
        }
    }

    func close() {
        guard isOpen else { return }
        isOpen = false
        _ = Glibc.close(descriptor)
    }

    private func set(_ level: CInt, _ name: CInt, _ value: CInt) {
        var value = value
        _ = unsafe setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<CInt>.size))
    }
}
