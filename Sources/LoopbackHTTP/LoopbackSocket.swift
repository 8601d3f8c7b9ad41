import Glibc

/// One connected TCP socket, closed with the last reference.
final class LoopbackSocket {
    private let descriptor: Int32
    private var received = [UInt8](repeating: 0, count: 64 * 1024)

    private init(family: Int32) throws(LoopbackHTTPError) {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        descriptor = socket(family, type, 0)
        guard descriptor >= 0 else { throw .system(call: "socket", errno: errno) }
        // A request and its answer are one packet each: waiting to fill one only adds latency.
        var on: Int32 = 1
        _ = unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit { _ = Glibc.close(descriptor) }

    /// Connects to the first of the host's addresses that accepts.
    static func connect(host: String, port: UInt16, _ wait: Wait) throws(LoopbackHTTPError) -> LoopbackSocket {
        var last = LoopbackHTTPError.unknownHost
        for address in SocketAddress.resolve(host, port: port) {
            do {
                let socket = try LoopbackSocket(family: address.family)
                try socket.connect(address, wait)
                return socket
            } catch .timedOut {
                throw .timedOut
            } catch {
                last = error
            }
        }
        throw last
    }

    private func connect(_ address: SocketAddress, _ wait: Wait) throws(LoopbackHTTPError) {
        let result = unsafe address.withPointer { unsafe Glibc.connect(descriptor, $0, $1) }
        var failure = result == 0 ? 0 : errno
        // Interrupted or not, a non-blocking connect goes on by itself.
        if failure == EINPROGRESS || failure == EINTR {
            try wait.until(descriptor, .writing)
            var size = socklen_t(MemoryLayout<Int32>.size)
            let asked = unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &size)
            guard asked == 0 else { throw .system(call: "getsockopt", errno: errno) }
        }
        switch failure {
        case 0: return
        case ECONNREFUSED: throw .refused
        default: throw .system(call: "connect", errno: failure)
        }
    }

    /// Whether the connection stands and the peer has said nothing unasked: the state in which it can be used again.
    var isIdle: Bool {
        var byte: UInt8 = 0
        let count = unsafe recv(descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        return count < 0 && (errno == EAGAIN || errno == EINTR)
    }

    /// Writes some of the bytes and says how many; nil when the peer takes no more.
    func write(_ bytes: [UInt8], from start: Int, _ wait: Wait) throws(LoopbackHTTPError) -> Int? {
        while true {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.send(
                    descriptor, $0.baseAddress! + start, $0.count - start, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 { return count }
            switch errno {
            case EINTR: continue
            case EAGAIN: try wait.until(descriptor, .writing)
            case EPIPE, ECONNRESET: return nil
            default: throw .system(call: "send", errno: errno)
            }
        }
    }

    /// Waits for bytes and returns them; empty at the end of the connection.
    func read(_ wait: Wait) throws(LoopbackHTTPError) -> [UInt8] {
        while true {
            let count = unsafe received.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
            if count >= 0 { return Array(received[..<count]) }
            switch errno {
            case EINTR: continue
            case EAGAIN: try wait.until(descriptor, .reading)
            case ECONNRESET: return []
            default: throw .system(call: "recv", errno: errno)
            }
        }
    }
}
