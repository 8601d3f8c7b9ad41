import Foundation
import HTTPCodec
import Synchronization

/// A server on a real loopback socket that answers one connection after the other as a test scripts it.
final class LoopbackServer: Sendable {
    enum Answer: Sendable {
        case response(HTTPResponse)
        /// As they are, and then the connection is closed.
        case bytes(String)
        case close
        /// Nothing, ever.
        case silence
        /// The answer, after which the connection is closed without having said so.
        case thenClose(HTTPResponse)
    }

    let port: UInt16
    private let listener: Int32
    private let state = Mutex<(requests: [HTTPRequest], connections: Int, closed: Int)>(([], 0, 0))

    var endpoint: String { "127.0.0.1:\(port)" }
    var requests: [HTTPRequest] { state.withLock { $0.requests } }
    var connections: Int { state.withLock { $0.connections } }

    /// Returns when this many connections are closed from here.
    func waitUntilClosed(_ count: Int) {
        while state.withLock({ $0.closed }) < count { sched_yield() }
    }

    init(_ answer: @escaping @Sendable (HTTPRequest, Int) -> Answer) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                precondition(bind(descriptor, $0, size) == 0)
                precondition(getsockname(descriptor, $0, &size) == 0)
            }
        }
        precondition(listen(descriptor, 16) == 0)
        listener = descriptor
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [self] in
            while case let connection = accept(descriptor, nil, nil), connection >= 0 {
                state.withLock { $0.connections += 1 }
                serve(connection, answer)
                close(connection)
                state.withLock { $0.closed += 1 }
            }
            close(descriptor)
        }
    }

    /// Refuses new connections from now on.
    func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    private func serve(_ connection: Int32, _ answer: (HTTPRequest, Int) -> Answer) {
        var parser = HTTPRequestParser(limits: HTTPLimits(maxBodyBytes: 16 << 20))
        var buffer = [UInt8](repeating: 0, count: 65536)
        var head: HTTPRequestHead?
        while case let count = recv(connection, &buffer, buffer.count, 0), count > 0 {
            parser.append(Array(buffer[..<count]))
            while let event = try? parser.next() {
                switch event {
                case .head(let received): head = received
                case .body(let body):
                    let request = HTTPRequest(head: head!, body: body)
                    let index = state.withLock { state in
                        state.requests.append(request)
                        return state.requests.count - 1
                    }
                    switch answer(request, index) {
                    case .response(let response): write(response.serialized(), to: connection)
                    case .bytes(let text):
                        write(Array(text.utf8), to: connection)
                        return
                    case .thenClose(let response):
                        write(response.serialized(), to: connection)
                        return
                    case .close: return
                    case .silence: break
                    }
                }
            }
        }
    }

    private func write(_ bytes: [UInt8], to connection: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
