import HTTPCodec
import Logs
import WebSocketCodec

/// The gateway's WebSocket engine with nothing behind it: every message comes back as it was. For conformance suites.
///
/// No authentication, any path, text and binary, no extensions.
public final class EchoServer: Sendable {
    private let members: [LoopMembers]
    private let server: HTTPServer

    /// Bytes of a message, and of a frame.
    public static let messageBytes = 16 << 20
    /// Bytes that may wait for a client that does not read what comes back.
    private static let sendQueueBytes = 64 << 20

    /// Accepts connections as soon as it returns.
    public init(
        host: String = "127.0.0.1", port: UInt16, threads: Int = 1, log: Log = .silent
    ) throws(GatewayError) {
        var loops: [EventLoop] = []
        do throws(GatewayError) {
            for index in 0..<threads { loops.append(try EventLoop.start(named: "echo-\(index)", clock: MachineClock())) }
            members = LoopMembers.make(loops)
            server = try HTTPServer(host: host, port: port, members: members, headroom: 16, log: log)
            server.start(Self.service(members))
        } catch {
            for loop in loops { loop.stop() }
            throw error
        }
    }

    /// The real port, also when any free one was asked for.
    public var port: UInt16 { server.port }

    /// Closes every connection with 1001 and stops accepting.
    public func stop() async {
        server.stop()
        let members = members
        _ = await Deadline.run(within: .milliseconds(400)) {
            for members in members { await members.waitUntilEmpty() }
        }
        for members in members { members.endLoop() }
    }

    private static func service(_ members: [LoopMembers]) -> HTTPService {
        var service = HTTPService { _, _ in .uniform(404) }
        let limits = WebSocketSession.Limits(
            frames: WebSocketLimits(maxFramePayload: messageBytes, maxMessage: messageBytes),
            sendQueueBytes: sendQueueBytes)
        service.upgrade = { head, channel, received in
            do throws(WebSocketHandshakeFault) {
                let handshake = try WebSocketHandshake.validate(head)
                let members = members.first { $0.loop === channel.loop }!
                let peer = EchoPeer(channel, limits: limits, members: members)
                peer.session.open(handshake.acceptance(sha1: SHA1.digest), received: received)
                return .taken
            } catch {
                return .refused(error.response)
            }
        }
        return service
    }
}

/// Confined to its session's loop.
private final class EchoPeer: WebSocketPeer, LoopMember {
    private(set) var session: WebSocketSession!
    private let members: LoopMembers

    init(_ channel: Channel, limits: WebSocketSession.Limits, members: LoopMembers) {
        self.members = members
        session = WebSocketSession(channel, limits: limits, peer: self)
        members.insert(self)
    }

    func received(text: [UInt8]) { session.send(text: text) }
    func received(binary: [UInt8]) { session.send(SharedBytes(FrameEncoder.frame(.binary, binary))) }
    func ended(_ end: WebSocketEnd) {}
    func closed() { members.remove(self) }
    func shutDown() { session.close(.goingAway) }
}
