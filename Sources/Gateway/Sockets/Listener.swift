import Glibc
import Logs

/// A listening socket on its loop.
///
/// `@unchecked`: confined to its loop's thread but for `port`.
final class Listener: EventSource, @unchecked Sendable {
    typealias Accept = (_ descriptor: CInt, _ peer: SocketAddress) -> Void

    /// The real port, also when any free one was asked for.
    let port: UInt16
    /// Whether the address it is bound to is this machine's alone.
    let isLoopback: Bool
    private let loop: EventLoop
    private let descriptor: CInt
    private var tag: UInt64?
    private var isClosed = false
    /// Given up for a moment when descriptors run out, to accept and turn away who is waiting.
    private var reserve: CInt
    /// The first descriptor that is no connection's any more: what is beyond belongs to files, children and the rest.
    private let descriptorLimit: Int
    private var accept: Accept?
    private let log: Log
    /// Connections that were turned away and that no log line has counted yet.
    private var turnedAway = 0
    /// On the loop's clock; the next line about it comes no earlier.
    private var nextWarning: Int64 = .min

    /// Connections accepted in one turn, so that those already here are served too.
    private static let acceptsPerTurn = 64
    private static let pauseWhenExhausted: Duration = .milliseconds(100)
    private static let warningInterval: Duration = .seconds(1)

    /// Binds and listens; nobody is accepted before ``start(_:)``.
    ///
    /// - Parameter headroom: descriptors of the process that its connections leave to others.
    init(
        host: String, port: UInt16, backlog: CInt = 4096, headroom: Int, loop: EventLoop, log: Log
    ) throws(GatewayError) {
        let limit = SystemLimits.descriptors
        descriptorLimit = limit - min(headroom, limit / 4)
        descriptor = try SocketCalls.listen(host: host, port: port, backlog: backlog)
        let address = try? SocketCalls.localAddress(descriptor)
        self.port = address?.port ?? port
        isLoopback = address?.isLoopback ?? false
        self.loop = loop
        self.log = log
        reserve = Self.openReserve()
    }

    deinit {
        if !isClosed { closeDescriptors() }
    }

    /// Begins to accept. Called on the loop.
    func start(_ accept: @escaping Accept) {
        self.accept = accept
        watch()
    }

    /// Stops accepting; connections that wait in the backlog are reset.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        pause()
        accept = nil
        closeDescriptors()
    }

    func loopEnds() { close() }

    func becameReady(_ readiness: Readiness) {
        var isFull = false
        accepting: for _ in 0..<Self.acceptsPerTurn where !isClosed {
            do throws(SystemFailure) {
                guard case .done(let connection) = try SocketCalls.accept(descriptor) else { break accepting }
                // The kernel gives out the lowest number that is free, so everything below this one is taken.
                guard connection.descriptor < descriptorLimit else {
                    closeDescriptor(connection.descriptor)
                    turnedAway += 1
                    isFull = true
                    continue
                }
                accept?(connection.descriptor, connection.peer)
            } catch {
                switch error.errno {
                case EMFILE, ENFILE, ENOBUFS, ENOMEM: return turnOneAway()
                // The rest is about the one connection, which is gone (accept(2)).
                default: continue
                }
            }
        }
        if isFull { rest() }
    }

    /// When there is no descriptor even to accept with.
    private func turnOneAway() {
        if reserve >= 0 { closeDescriptor(reserve) }
        if case .done(let connection) = try? SocketCalls.accept(descriptor) {
            closeDescriptor(connection.descriptor)
            turnedAway += 1
        }
        reserve = Self.openReserve()
        rest()
    }

    /// Lets go of the listening socket for a moment, which would be reported again and again.
    private func rest() {
        warn()
        pause()
        _ = loop.schedule(after: Self.pauseWhenExhausted) { [weak self] in self?.watch() }
    }

    private func warn() {
        guard loop.now >= nextWarning else { return }
        nextWarning = loop.now + Self.warningInterval.nanoseconds
        log.warning("no descriptors left", ["port": Int(port), "turnedAway": turnedAway])
        turnedAway = 0
    }

    private func watch() {
        guard !isClosed, tag == nil else { return }
        do throws(SystemFailure) {
            tag = try loop.watch(descriptor, .read, for: self)
        } catch {
            log.error("cannot accept", ["port": Int(port), "errno": Int(error.errno)])
        }
    }

    private func closeDescriptors() {
        closeDescriptor(descriptor)
        if reserve >= 0 { closeDescriptor(reserve) }
    }

    private func pause() {
        if let tag { loop.ignore(descriptor, tag: tag) }
        tag = nil
    }

    private static func openReserve() -> CInt { unsafe open("/dev/null", O_RDONLY | O_CLOEXEC) }
}
