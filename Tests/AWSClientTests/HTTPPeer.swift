import Foundation
import HTTPCodec
import Synchronization

/// A server on a real loopback socket with a thread for each connection, which answers as a test scripts it.
final class HTTPPeer: Sendable {
    enum Answer: Sendable {
        case response(HTTPResponse)
        /// As they are; the connection stays.
        case bytes([UInt8])
        /// As they are, and then a reset.
        case bytesThenReset([UInt8])
        /// As they are, again and again, until nobody takes them.
        case flood(head: [UInt8], part: [UInt8])
        /// Nothing, ever.
        case silence
        /// Nothing until ``release()``, then this.
        case held(HTTPResponse)
    }

    private struct State {
        var requests: [HTTPRequest] = []
        var connections = 0
        var ended = 0
        var isReleased = false
        var waiting: [(condition: @Sendable (State) -> Bool, continuation: CheckedContinuation<Void, Never>)] = []
    }

    let port: UInt16
    private let host: String
    private let listener: Int32
    private let state = Mutex(State())
    private let changed = NSCondition()

    var url: String { "http://\(host):\(port)" }
    var requests: [HTTPRequest] { state.withLock { $0.requests } }
    var connections: Int { state.withLock { $0.connections } }

    /// - Parameter isListening: false for a port that is taken and where nobody listens.
    init(isIPv6: Bool = false, isListening: Bool = true, _ answer: @escaping @Sendable (HTTPRequest) -> Answer) {
        host = isIPv6 ? "[::1]" : "127.0.0.1"
        let descriptor = socket(isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        port = isIPv6 ? Self.bind6(descriptor) : Self.bind4(descriptor)
        listener = descriptor
        guard isListening else { return }
        precondition(listen(descriptor, 512) == 0)
        Thread.detachNewThread { [self] in
            while case let connection = accept(descriptor, nil, nil), connection >= 0 {
                change { $0.connections += 1 }
                Thread.detachNewThread { [self] in
                    serve(connection, answer)
                    close(connection)
                    change { $0.ended += 1 }
                }
            }
        }
    }

    /// The thread that accepts holds the peer: this is for those without one.
    deinit { close(listener) }

    func release() { change { $0.isReleased = true } }

    /// Returns when so many requests have come.
    func waitForRequests(_ count: Int) async { await wait { $0.requests.count >= count } }

    /// Returns when so many connections are closed.
    func waitForEnds(_ count: Int) async { await wait { $0.ended >= count } }

    private func change(_ body: @Sendable (inout State) -> Void) {
        let ready = state.withLock { state in
            body(&state)
            let now = state
            state.waiting.removeAll { $0.condition(now) }
            return now.waiting.filter { $0.condition(now) }
        }
        for waiter in ready { waiter.continuation.resume() }
        changed.lock()
        changed.broadcast()
        changed.unlock()
    }

    private func wait(_ condition: @escaping @Sendable (State) -> Bool) async {
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state in
                if condition(state) { return true }
                state.waiting.append((condition, continuation))
                return false
            }
            if isReady { continuation.resume() }
        }
    }

    /// On a connection's own thread.
    private func waitForRelease() {
        changed.lock()
        while !state.withLock({ $0.isReleased }) { changed.wait() }
        changed.unlock()
    }

    private func serve(_ connection: Int32, _ answer: (HTTPRequest) -> Answer) {
        var parser = HTTPRequestParser(limits: HTTPLimits(maxBodyBytes: 32 << 20))
        var buffer = [UInt8](repeating: 0, count: 65536)
        var head: HTTPRequestHead?
        while case let count = recv(connection, &buffer, buffer.count, 0), count > 0 {
            parser.append(Array(buffer[..<count]))
            while let event = try? parser.next() {
                switch event {
                case .head(let received): head = received
                case .body(let body):
                    let request = HTTPRequest(head: head!, body: body)
                    change { $0.requests.append(request) }
                    guard act(answer(request), on: connection) else { return }
                }
            }
        }
    }

    /// Whether the connection stays.
    private func act(_ answer: Answer, on connection: Int32) -> Bool {
        switch answer {
        case .response(let response): return write(response.serialized(), to: connection)
        case .bytes(let bytes): return write(bytes, to: connection)
        case .bytesThenReset(let bytes):
            _ = write(bytes, to: connection)
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(connection, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
            return false
        case .flood(let head, let part):
            var isOpen = write(head, to: connection)
            while isOpen { isOpen = write(part, to: connection) }
            return false
        case .silence: return true
        case .held(let response):
            waitForRelease()
            return write(response.serialized(), to: connection)
        }
    }

    private func write(_ bytes: [UInt8], to connection: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private static func bind4(_ descriptor: Int32) -> UInt16 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        bindAny(descriptor, &address)
        return UInt16(bigEndian: address.sin_port)
    }

    private static func bind6(_ descriptor: Int32) -> UInt16 {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_addr = in6addr_loopback
        bindAny(descriptor, &address)
        return UInt16(bigEndian: address.sin6_port)
    }

    private static func bindAny<Address>(_ descriptor: Int32, _ address: inout Address) {
        var size = socklen_t(MemoryLayout<Address>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                precondition(bind(descriptor, $0, size) == 0)
                precondition(getsockname(descriptor, $0, &size) == 0)
            }
        }
    }
}
