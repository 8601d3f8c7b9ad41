import Foundation
import HTTPCodec
import Synchronization
import WebSocketCodec

/// The socket of one client, what was decoded from it, and who waits for that.
final class ClientChannel: Sendable {
    typealias Event = WebSocketTestClient.Event
    typealias Failure = WebSocketTestClient.Failure

    enum Phase {
        case handshake(HTTPResponseParser, HTTPResponseHead?)
        case open(MessageDecoder)
        case ended
    }

    struct Waiter {
        let id: Int
        let continuation: CheckedContinuation<Result<Event, Failure>, Never>
        let timer: Task<Void, Never>
    }

    struct State {
        var phase: Phase = .handshake(HTTPResponseParser(), nil)
        var handshake: Result<HTTPResponseHead, Failure>?
        var handshakeWaiter: Waiter?
        var events: [Event] = []
        var waiters: [Waiter] = []
        var waiterCount = 0
        var output: [UInt8] = []
        var isReading = true
        /// The owner wants no more; the thread closes the descriptor, so that it is never used after that.
        var isUnwanted = false
    }

    let descriptor: Int32
    let state = Mutex(State())
    private let answersAutomatically: Bool

    init(host: String, port: UInt16, answersAutomatically: Bool) throws(Failure) {
        descriptor = try Self.connect(host, port)
        self.answersAutomatically = answersAutomatically
        ClientLoop.shared.add(self)
    }

    private static func connect(_ host: String, _ port: UInt16) throws(Failure) -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &list) == 0, let first = list else {
            throw .unreachable(errno: EHOSTUNREACH)
        }
        defer { freeaddrinfo(list) }
        let descriptor = socket(first.pointee.ai_family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .unreachable(errno: errno) }
        guard Glibc.connect(descriptor, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0 else {
            let failure = errno
            Glibc.close(descriptor)
            throw .unreachable(errno: failure)
        }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        return descriptor
    }

    func send(_ bytes: [UInt8]) throws(Failure) {
        let isOpen = state.withLock { state in
            if case .ended = state.phase { return false }
            if state.isUnwanted { return false }
            state.output += bytes
            flush(&state)
            return true
        }
        guard isOpen else { throw .closed }
        ClientLoop.shared.wake()
    }

    func setReading(_ isReading: Bool) {
        state.withLock { $0.isReading = isReading }
        ClientLoop.shared.wake()
    }

    func end(abruptly: Bool) {
        if abruptly {
            var reset = linger(l_onoff: 1, l_linger: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, socklen_t(MemoryLayout<linger>.size))
        }
        state.withLock { $0.isUnwanted = true }
        ClientLoop.shared.wake()
    }

    func drain() -> [Event] {
        state.withLock { state in
            defer { state.events = [] }
            return state.events
        }
    }

    /// What the poll should look for; nil when the channel is at its end.
    var interest: Int16? {
        state.withLock { state in
            if state.isUnwanted { return nil }
            if case .ended = state.phase { return nil }
            return Int16((state.isReading ? POLLIN : 0) | (state.output.isEmpty ? 0 : POLLOUT))
        }
    }

    /// Moves bytes both ways; called by the shared thread only.
    func service() {
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        let resumptions = state.withLock { state in
            flush(&state)
            while state.isReading {
                let count = recv(descriptor, &buffer, buffer.count, 0)
                if count > 0 {
                    take(Array(buffer[..<count]), &state)
                    if count < buffer.count { break }
                } else if count < 0, errno == EAGAIN || errno == EINTR {
                    break
                } else {
                    finish(&state)
                    break
                }
            }
            return deliver(&state)
        }
        for resume in resumptions { resume() }
    }

    /// The thread's last call, before it closes the descriptor.
    func closed() {
        let resumptions = state.withLock { state in
            finish(&state)
            return deliver(&state)
        }
        for resume in resumptions { resume() }
    }

    private func flush(_ state: inout State) {
        while !state.output.isEmpty {
            let count = Glibc.send(descriptor, state.output, state.output.count, Int32(MSG_NOSIGNAL))
            if count > 0 {
                state.output.removeFirst(count)
            } else if errno != EINTR {
                // A broken connection shows itself to the reading side too.
                if errno != EAGAIN { state.output = [] }
                return
            }
        }
    }

    private func take(_ bytes: [UInt8], _ state: inout State) {
        switch state.phase {
        case .handshake(var parser, var head):
            parser.append(bytes)
            do throws(HTTPFault) {
                while let event = try parser.next() {
                    switch event {
                    case .head(let received) where received.status == 101:
                        state.handshake = .success(received)
                        state.phase = .open(
                            MessageDecoder(role: .client, limits: WebSocketLimits(maxFramePayload: 1 << 28, maxMessage: 1 << 28)))
                        return take(parser.takeRemainder(), &state)
                    case .head(let received): head = received
                    case .body(let body):
                        state.handshake = .failure(
                            .refused(HTTPResponse(status: head!.status, fields: head!.fields, body: body)))
                        state.phase = .ended
                        return
                    }
                }
                state.phase = .handshake(parser, head)
            } catch {
                state.handshake = .failure(.invalidHandshake)
                state.phase = .ended
            }
        case .open(var decoder):
            // The phase lets go of the decoder while it grows, or each step would copy what it has collected.
            state.phase = .ended
            var events: [WebSocketEvent] = []
            var fault: WebSocketFault?
            do throws(WebSocketFault) {
                try decoder.decode(bytes.span.bytes) { events.append($0) }
                state.phase = .open(decoder)
            } catch {
                fault = error
            }
            for event in events { note(event, &state) }
            if let fault { state.events.append(.malformed(fault)) }
        case .ended: break
        }
    }

    private func note(_ event: WebSocketEvent, _ state: inout State) {
        switch event {
        case .text(let bytes): state.events.append(.text(String(decoding: bytes, as: UTF8.self)))
        case .binary(let bytes): state.events.append(.binary(bytes))
        case .pong(let payload): state.events.append(.pong(payload))
        case .ping(let payload):
            state.events.append(.ping(payload))
            answer(FrameEncoder.frame(.pong, payload, mask: .random()), &state)
        case .close(let code, let reason):
            state.events.append(.close(code: code, reason: reason))
            answer(FrameEncoder.close(code.map(WebSocketCloseCode.init), mask: .random()), &state)
        }
    }

    private func answer(_ frame: [UInt8], _ state: inout State) {
        guard answersAutomatically else { return }
        state.output += frame
        flush(&state)
    }

    private func finish(_ state: inout State) {
        if case .handshake(var parser, let head) = state.phase {
            state.handshake = .failure(.closed)
            if let head, case .body(let body)? = try? parser.finish() {
                state.handshake = .failure(.refused(HTTPResponse(status: head.status, fields: head.fields, body: body)))
            }
        }
        if case .ended = state.phase { return }
        state.phase = .ended
    }
}
