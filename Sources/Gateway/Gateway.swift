import ChatModel
import ChatWire
import HTTPCodec
import Logs
import Synchronization
import WebSocketCodec

/// API Gateway's WebSocket API on this machine: a public listener, a management listener, and the loops between them.
///
/// The sockets are bound when it is made, so that a taken port is known at once; nobody is accepted before
/// ``start(_:)``. All of it may be called from any thread.
public final class Gateway: Sendable {
    private let configuration: GatewayConfiguration
    let loops: [EventLoop]
    private let members: [LoopMembers]
    private let publicServer: HTTPServer
    private let managementServer: HTTPServer
    let directory = ConnectionDirectory()
    private let core = Mutex<GatewayCore?>(nil)

    /// Throws ``GatewayError/addressInUse(host:port:)`` when another process listens on a port, and
    /// ``GatewayError/managementExposed(host:)`` without a token for a management listener off loopback.
    public init(_ configuration: GatewayConfiguration) throws(GatewayError) {
        precondition(configuration.threads > 0, "a gateway needs a thread")
        self.configuration = configuration
        var loops: [EventLoop] = []
        do throws(GatewayError) {
            for index in 0..<configuration.threads {
                loops.append(try EventLoop.start(named: "loop-\(index)", clock: configuration.clock))
            }
            members = LoopMembers.make(loops)
            publicServer = try HTTPServer(
                host: configuration.host, port: configuration.port, members: members, headroom: Self.publicHeadroom,
                log: configuration.log)
            managementServer = try HTTPServer(
                host: configuration.managementHost, port: configuration.managementPort, members: [members[0]],
                headroom: Self.managementHeadroom, log: configuration.log)
            // Of what is bound, not of what was asked for: a name may stand for anything.
            guard configuration.managementToken != nil || managementServer.isLoopback else {
                throw .managementExposed(host: configuration.managementHost)
            }
        } catch {
            for loop in loops { loop.stop() }
            throw error
        }
        self.loops = loops
    }

    /// Whether the address that a host stands for is this machine's alone; nil if it stands for none.
    public static func isLoopback(_ host: String) -> Bool? { SocketAddress(host: host)?.isLoopback }

    /// The real port, also when any free one was asked for.
    public var port: UInt16 { publicServer.port }
    public var managementPort: UInt16 { managementServer.port }

    /// Begins to accept. Called once.
    public func start(_ invoker: any HandlerInvoker) {
        let core = GatewayCore(configuration, directory: directory, invoker: invoker)
        self.core.withLock { place in
            precondition(place == nil, "started twice")
            place = core
        }
        publicServer.start(PublicService.make(core, members: members))
        managementServer.start(ManagementService(gateway: self, configuration: configuration).service)
    }

    /// Queues one text frame to each connection and returns those that are not connected.
    ///
    /// Never waits. The frame is encoded once, whatever the number of connections. Of two posts the one that returned
    /// first arrives first, whichever threads they came from. A connection whose `$connect` is still running is not connected.
    public func post(_ payload: [UInt8], to ids: [ConnectionID]) -> [ConnectionID] {
        var gone: [ConnectionID] = []
        var groups = [[GatewayConnection]](repeating: [], count: loops.count)
        for id in ids {
            if let connection = directory[id] {
                groups[connection.members.index].append(connection)
            } else {
                gone.append(id)
            }
        }
        guard gone.count < ids.count else { return gone }
        let frame = SharedBytes(textFrame: payload)
        for (loop, connections) in zip(loops, groups) where !connections.isEmpty {
            loop.execute {
                for connection in connections { connection.send(frame) }
            }
        }
        return gone
    }

    /// Closes a connection after what is queued for it; false when it is not connected.
    /// - Parameter orOnceConnected: also one whose `$connect` is still running, as soon as it is let in.
    public func close(
        _ id: ConnectionID, code: WebSocketCloseCode, reason: String = "", orOnceConnected: Bool = false
    ) -> Bool {
        guard let connection = orOnceConnected ? directory.find(id) : directory[id] else { return false }
        connection.loop.execute { connection.close(WebSocketEnd(code, reason)) }
        return true
    }

    /// What is known of a connection; nil when it is not connected.
    public func info(_ id: ConnectionID) -> ConnectionInfo? {
        guard let connection = directory[id] else { return nil }
        return ConnectionInfo(
            connectedAt: connection.connectedAt, lastActiveAt: connection.lastActiveAt,
            sourceIP: connection.sourceIP, userAgent: connection.userAgent)
    }

    /// Connections that are open now.
    public var connectionCount: Int { directory.count }

    /// Stops accepting, closes every connection with 1001, and waits for their handlers, `$disconnect` included.
    ///
    /// Returns within ``GatewayConfiguration/stopTimeout`` in any case.
    public func stop() async {
        publicServer.stop()
        let core = core.withLock { $0 }
        let isDone = await Deadline.run(within: configuration.stopTimeout) { await core?.allFinished() }
        // Not before: what runs until here may post.
        managementServer.stop()
        // The last close frames leave, and peers that answer them end in order.
        let members = members
        _ = await Deadline.run(within: Self.farewell) {
            for members in members { await members.waitUntilEmpty() }
        }
        if isDone { return endLoops() }
        configuration.log.warning("handlers were still running at the end")
        // A handler that outlives the server still runs on its connection's loop.
        Task {
            await core?.allFinished()
            endLoops()
        }
    }

    private func endLoops() {
        for members in members { members.endLoop() }
    }

    /// How long stopping waits for peers to answer the close frame, once their handlers are done.
    private static let farewell: Duration = .milliseconds(400)

    /// Descriptors that clients leave to the database, to children, and to whoever manages a server that is full.
    private static let publicHeadroom = 64
    private static let managementHeadroom = 32

    /// Makes every loop look at its clock again.
    func wake() {
        for loop in loops { loop.wake() }
    }
}

/// What the management API tells of a connection.
public struct ConnectionInfo: Equatable, Sendable {
    public let connectedAt: Timestamp
    /// The client's last frame.
    public let lastActiveAt: Timestamp
    public let sourceIP: String
    public let userAgent: String
}
