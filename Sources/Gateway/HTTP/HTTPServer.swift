import HTTPCodec
import Logs

/// A listener whose connections are spread over loops.
///
/// `@unchecked`: `next` is confined to the listener's loop.
final class HTTPServer: @unchecked Sendable {
    private let listener: Listener
    private let members: [LoopMembers]
    private var next = 0

    /// Binds and listens; nobody is accepted before ``start(_:)``.
    ///
    /// - Parameters:
    ///   - members: one for each loop; the listener lives on the first.
    ///   - headroom: descriptors of the process that its connections leave to others.
    init(host: String, port: UInt16, members: [LoopMembers], headroom: Int = 0, log: Log) throws(GatewayError) {
        listener = try Listener(host: host, port: port, headroom: headroom, loop: members[0].loop, log: log)
        self.members = members
    }

    /// The real port, also when any free one was asked for.
    var port: UInt16 { listener.port }
    /// Whether only this machine reaches it.
    var isLoopback: Bool { listener.isLoopback }

    func start(_ service: HTTPService) {
        members[0].loop.execute { [self] in
            listener.start { [weak self] descriptor, peer in
                // Between the server's end and the listener's there is nobody to serve it.
                if let self { serve(descriptor, peer, service) } else { closeDescriptor(descriptor) }
            }
        }
    }

    /// Stops accepting and ends every connection, after the answer it may be waiting for.
    func stop() {
        members[0].loop.execute { [listener] in listener.close() }
        for members in members { members.loop.execute { members.shutDown() } }
    }

    private func serve(_ descriptor: CInt, _ peer: SocketAddress, _ service: HTTPService) {
        let members = members[next % members.count]
        next &+= 1
        let channel = Channel(descriptor, peer: peer, loop: members.loop)
        let connection = HTTPConnection(channel, service: service, members: members)
        if members.loop.isCurrent { connection.start() } else { members.loop.execute { connection.start() } }
    }
}
