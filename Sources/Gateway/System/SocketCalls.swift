import CLinux
import Glibc

/// The socket calls of the gateway, each through the funnel.
enum SocketCalls {
    /// A bound, listening, non-blocking socket.
    static func listen(host: String, port: UInt16, backlog: CInt) throws(GatewayError) -> CInt {
        guard let address = SocketAddress(host: host, port: port) else {
            throw .addressUnavailable(host: host, port: port)
        }
        do throws(SystemFailure) {
            let descriptor = try call("socket") {
                socket(address.family, CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
            }
            do throws(SystemFailure) {
                try setOption(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
                try configureStreams(of: descriptor)
                try call("bind") { unsafe address.withPointer { unsafe bind(descriptor, $0, $1) } }
                try call("listen") { Glibc.listen(descriptor, backlog) }
                return descriptor
            } catch {
                closeDescriptor(descriptor)
                throw error
            }
        } catch {
            switch error.errno {
            case EADDRINUSE: throw .addressInUse(host: host, port: port)
            case EADDRNOTAVAIL, EACCES: throw .addressUnavailable(host: host, port: port)
            default: throw .system(error)
            }
        }
    }

    static func accept(_ listener: CInt) throws(SystemFailure) -> Completion<(descriptor: CInt, peer: SocketAddress)> {
        var accepted: Completion<CInt> = .wouldBlock
        let peer = try unsafe SocketAddress { address, length throws(SystemFailure) in
            accepted = try syscall("accept") {
                unsafe clinux_accept(listener, address, length)
            }
        }
        guard case .done(let descriptor) = accepted else { return .wouldBlock }
        return .done((descriptor, peer))
    }

    static func localAddress(_ descriptor: CInt) throws(SystemFailure) -> SocketAddress {
        try unsafe SocketAddress { address, length throws(SystemFailure) in
            try call("getsockname") { unsafe getsockname(descriptor, address, length) }
        }
    }

    /// Small frames leave at once, and a peer that vanished is noticed within about two minutes. Accepted sockets inherit
    /// this from the one that listens, which saves each six system calls.
    private static func configureStreams(of listener: CInt) throws(SystemFailure) {
        try setOption(listener, CInt(IPPROTO_TCP), TCP_NODELAY, 1)
        try setOption(listener, SOL_SOCKET, SO_KEEPALIVE, 1)
        try setOption(listener, CInt(IPPROTO_TCP), TCP_KEEPIDLE, 60)
        try setOption(listener, CInt(IPPROTO_TCP), TCP_KEEPINTVL, 15)
        try setOption(listener, CInt(IPPROTO_TCP), TCP_KEEPCNT, 4)
        try setOption(listener, CInt(IPPROTO_TCP), TCP_USER_TIMEOUT, 120_000)
    }

    /// Has closing throw away what the peer has not acknowledged, and tell it with a reset.
    static func resetOnClose(_ descriptor: CInt) {
        var value = linger(l_onoff: 1, l_linger: 0)
        // Fails only when the peer has reset the connection already.
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
    }

    static func setOption(_ descriptor: CInt, _ level: CInt, _ name: CInt, _ value: CInt) throws(SystemFailure) {
        var value = value
        try call("setsockopt") {
            unsafe setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<CInt>.size))
        }
    }

    static func receive(_ descriptor: CInt, into buffer: UnsafeMutableRawBufferPointer) throws(SystemFailure)
        -> Completion<Int>
    {
        try syscall("recv") { unsafe recv(descriptor, buffer.baseAddress, buffer.count, 0) }
    }

    /// One vectored write. MSG_NOSIGNAL: a peer that is gone is an errno, never a SIGPIPE.
    static func send(_ descriptor: CInt, _ vectors: UnsafeMutableBufferPointer<iovec>) throws(SystemFailure)
        -> Completion<Int>
    {
        var message = unsafe msghdr()
        unsafe message.msg_iov = vectors.baseAddress
        unsafe message.msg_iovlen = vectors.count
        return try syscall("sendmsg") { unsafe sendmsg(descriptor, &message, CInt(MSG_NOSIGNAL)) }
    }

    static func send(_ descriptor: CInt, _ bytes: UnsafeRawBufferPointer) throws(SystemFailure) -> Completion<Int> {
        try syscall("send") { unsafe Glibc.send(descriptor, bytes.baseAddress, bytes.count, CInt(MSG_NOSIGNAL)) }
    }

    static func shutdownWriting(_ descriptor: CInt) {
        // Fails only when the peer has ended the connection already, which reading tells as well.
        _ = shutdown(descriptor, CInt(SHUT_WR))
    }
}
