import HTTPCodec
import WebSocketCodec

/// A WebSocket client on a real socket, for tests and scenario runs.
///
/// All clients of a process share one thread that reads and writes, so that hundreds of them cost little and
/// none of them blocks a thread of the test. Pings and close frames are answered at once unless told not to.
/// The connection is closed with the last reference.
public final class WebSocketTestClient: Sendable {
    public enum Event: Sendable, Equatable {
        case text(String)
        case binary([UInt8])
        case ping([UInt8])
        case pong([UInt8])
        case close(code: UInt16?, reason: String)
        /// The server broke the protocol; nothing is read after it.
        case malformed(WebSocketFault)
        /// The connection has ended. Every later `receive` gives it again.
        case eof
    }

    public enum Failure: Error, Equatable {
        case invalidURL
        /// No TCP connection could be made.
        case unreachable(errno: Int32)
        /// The server answered the handshake with this instead of 101.
        case refused(HTTPResponse)
        /// The server's 101 does not accept this handshake, or is no HTTP.
        case invalidHandshake
        /// The connection ended before the handshake was answered, or before the bytes were sent.
        case closed
        case timedOut

        /// The status of a refusal.
        public var status: Int? {
            if case .refused(let response) = self { response.status } else { nil }
        }
    }

    /// What the server answered the handshake with.
    public let handshake: HTTPResponseHead
    public var subprotocol: String? { handshake.fields.first("Sec-WebSocket-Protocol") }
    private let channel: ClientChannel

    private init(_ channel: ClientChannel, _ handshake: HTTPResponseHead) {
        self.channel = channel
        self.handshake = handshake
    }

    deinit { channel.end(abruptly: false) }

    /// Connects and shakes hands.
    ///
    /// - Parameters:
    ///   - path: with the query, percent-encoded.
    ///   - answersAutomatically: whether pings and close frames of the server are answered.
    ///   - sha1: checks the server's acceptance; without it only its presence is checked.
    public static func connect(
        host: String = "127.0.0.1", port: UInt16, path: String = "/", headers: HTTPFields = [:],
        subprotocols: [String] = [], timeout: Duration = .seconds(10), answersAutomatically: Bool = true,
        sha1: (@Sendable ([UInt8]) -> [UInt8])? = nil
    ) async throws(Failure) -> WebSocketTestClient {
        let upgrade = WebSocketUpgrade(
            host: "\(host):\(port)", target: path, subprotocols: subprotocols, fields: headers)
        let channel = try ClientChannel(host: host, port: port, answersAutomatically: answersAutomatically)
        do {
            try channel.send(upgrade.request.serialized())
            let head = try await channel.handshake(timeout: timeout)
            do {
                _ = try upgrade.check(head, sha1: sha1)
            } catch {
                throw Failure.invalidHandshake
            }
            return WebSocketTestClient(channel, head)
        } catch {
            channel.end(abruptly: false)
            throw error as? Failure ?? .invalidHandshake
        }
    }

    /// Connects to `ws://host:port/path?query`.
    public static func connect(
        url: String, headers: HTTPFields = [:], subprotocols: [String] = [], timeout: Duration = .seconds(10),
        answersAutomatically: Bool = true
    ) async throws(Failure) -> WebSocketTestClient {
        guard url.hasPrefix("ws://") else { throw .invalidURL }
        let rest = url.dropFirst("ws://".count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let path = rest.dropFirst(authority.count)
        let parts = authority.split(separator: ":")
        guard let host = parts.first, parts.count <= 2, let port = parts.count == 2 ? UInt16(parts[1]) : 80 else {
            throw .invalidURL
        }
        return try await connect(
            host: String(host), port: port, path: path.hasPrefix("/") ? String(path) : "/" + path, headers: headers,
            subprotocols: subprotocols, timeout: timeout, answersAutomatically: answersAutomatically)
    }

    public func send(text: String) throws(Failure) { try sendRaw(FrameEncoder.text(text, mask: .random())) }

    public func send(binary: [UInt8]) throws(Failure) {
        try sendRaw(FrameEncoder.frame(.binary, binary, mask: .random()))
    }

    public func ping(_ payload: [UInt8] = []) throws(Failure) {
        try sendRaw(FrameEncoder.frame(.ping, payload, mask: .random()))
    }

    /// Sends a close frame; the server's answer comes out of `receive`.
    public func close(_ code: WebSocketCloseCode? = .normal, reason: String = "") throws(Failure) {
        try sendRaw(FrameEncoder.close(code, reason: reason, mask: .random()))
    }

    /// Sends bytes as they are, whatever they mean. Never blocks: what the socket does not take is kept for later.
    public func sendRaw(_ bytes: [UInt8]) throws(Failure) { try channel.send(bytes) }

    /// The next event, in the order of arrival.
    public func receive(timeout: Duration = .seconds(5)) async throws(Failure) -> Event {
        try await channel.receive(timeout: timeout)
    }

    /// The next event that is no ping or pong and satisfies `condition`; others are dropped. The time-out is for each.
    public func receive(
        timeout: Duration = .seconds(5), where condition: (Event) -> Bool
    ) async throws(Failure) -> Event {
        while true {
            let event = try await receive(timeout: timeout)
            if condition(event) { return event }
            if event == .eof { throw .closed }
        }
    }

    /// The events that have arrived and were not received.
    public func drain() -> [Event] { channel.drain() }

    /// Stops taking bytes from the socket, as a slow consumer does.
    public func pauseReading() { channel.setReading(false) }

    public func resumeReading() { channel.setReading(true) }

    /// Ends the TCP connection without a close frame: in order, or with a reset.
    public func disconnect(abruptly: Bool = false) { channel.end(abruptly: abruptly) }
}
