import CodecChecks
import Foundation
import HTTPCodec
import WebSocketCodec

/// A WebSocket server on a real loopback socket that sends every message back, one thread for each connection.
///
/// `/refuse` is answered with 403, `/hang` not at all, and the text `ping`, `bye` or `break` with a ping, a
/// close frame or a frame that no server may send.
final class EchoServer: Sendable {
    let port: UInt16
    private let listener: Int32

    init() {
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
        precondition(listen(descriptor, 512) == 0)
        listener = descriptor
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread {
            while case let connection = accept(descriptor, nil, nil), connection >= 0 {
                Thread.detachNewThread {
                    Self.serve(connection)
                    close(connection)
                }
            }
            close(descriptor)
        }
    }

    func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    private static func serve(_ connection: Int32) {
        var parser = HTTPRequestParser()
        var decoder: MessageDecoder?
        var buffer = [UInt8](repeating: 0, count: 65536)
        while case let count = recv(connection, &buffer, buffer.count, 0), count > 0 {
            var bytes = Array(buffer[..<count])
            if decoder == nil {
                parser.append(bytes)
                guard case .head(let head)? = try? parser.next() else { continue }
                if head.path == "/hang" { continue }
                guard head.path != "/refuse", let handshake = try? WebSocketHandshake.validate(head) else {
                    return write(HTTPResponse(status: 403, text: "no\n").serialized(), to: connection)
                }
                let acceptance = handshake.acceptance(subprotocol: handshake.subprotocols.first) { $0 }
                write(acceptance.serialized(), to: connection)
                decoder = MessageDecoder(role: .server, limits: roomy)
                bytes = parser.takeRemainder()
            }
            var ended = false
            try? decoder?.decode(bytes.span.bytes) { event in
                write(answer(to: event), to: connection)
                if case .close = event { ended = true }
            }
            if ended { return }
        }
    }

    private static func answer(to event: WebSocketEvent) -> [UInt8] {
        switch event {
        case .text(Array("ping".utf8)): FrameEncoder.frame(.ping, [1, 2])
        case .text(Array("bye".utf8)): FrameEncoder.close(.goingAway, reason: "Going away")
        case .text(Array("break".utf8)): [0x83, 0]
        case .text(let bytes): FrameEncoder.frame(.text, bytes)
        case .binary(let bytes): FrameEncoder.frame(.binary, bytes)
        case .pong(let bytes): FrameEncoder.text("pong \(bytes)")
        case .ping(let bytes): FrameEncoder.frame(.pong, bytes)
        case .close: FrameEncoder.close(.normal)
        }
    }

    private static func write(_ bytes: [UInt8], to connection: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
