import ChatBroadcast
import ChatModel
import ChatWire
import Tokens

/// One WebSocket as the gateway has it.
final class Socket {
    enum State: Equatable { case connecting, open, closed }

    let id: String
    let device: Device
    let openedAt: Int64
    /// Of the token that it is opened by, in seconds.
    let tokenIssuedAt: Int64
    let authorizer: [String: String]
    fileprivate(set) var state = State.connecting
    /// The client is gone, and the gateway does not know.
    var isHalfOpen = false
    /// When the last frame to its device arrives: they keep their order.
    fileprivate var lastArrival: Int64 = 0

    init(id: String, device: Device, openedAt: Int64, tokenIssuedAt: Int64, authorizer: [String: String]) {
        self.id = id
        self.device = device
        self.openedAt = openedAt
        self.tokenIssuedAt = tokenIssuedAt
        self.authorizer = authorizer
    }
}

/// API Gateway, or the server's own: sockets, the events that they raise, and the way back to them.
final class SimulatedGateway {
    private unowned let world: World
    private var chance: Chance
    private var sockets: [String: Socket] = [:]
    private var opened = 0

    init(_ world: World, _ chance: Chance) {
        self.world = world
        self.chance = chance
    }

    // MARK: - From the clients

    func connect(_ device: Device, token: String, issuedAt: Int64, authorizer: [String: String]) -> Socket {
        opened += 1
        let socket = Socket(
            id: "\(device.name).\(opened)", device: device, openedAt: world.executor.now, tokenIssuedAt: issuedAt, authorizer: authorizer)
        sockets[socket.id] = socket
        world.executor.after(chance.below(20)) { [self] in raiseConnect(socket, token) }
        return socket
    }

    private func raiseConnect(_ socket: Socket, _ token: String) {
        var context = GatewayEvent.Context(connectionID: socket.id, routeKey: "$connect")
        context.authorizer = socket.authorizer
        var event = GatewayEvent(context)
        if socket.authorizer.isEmpty { event.query = [("token", token)] }
        let raised = event
        world.functions.invoke("Connect", .connection(socket.id)) { instance in
            let outcome = await instance.router.handle(.connect, raised)
            return ([], outcome.response.statusCode, outcome.afterward)
        } done: { [self] invocation, outcome in
            let status = outcome?.status ?? 500
            world.witness.connected(socket, status, invocation)
            guard status == 200, socket.state == .connecting else {
                if status == 200 { ended(socket) }
                socket.state = .closed
                return world.executor.after(1) { socket.device.refused(socket, status) }
            }
            socket.state = .open
            world.executor.after(chance.below(20)) { socket.device.opened(socket) }
            if socket.isHalfOpen { vanish(socket) }
        }
    }

    func send(_ request: Request, on socket: Socket) {
        guard socket.state == .open else { return }
        var context = GatewayEvent.Context(connectionID: socket.id, routeKey: request.route.rawValue)
        context.authorizer = socket.authorizer
        let event = GatewayEvent(context, body: request.text)
        let route = request.route
        world.executor.after(chance.below(20)) { [self] in
            guard socket.state == .open else { return }
            request.isRefusedToken = world.witness.isRefused(socket.device, request.tokenIssuedAt)
            world.functions.invoke(route.handlerName, .connection(socket.id)) { instance in
                let outcome = await instance.router.handle(route, event)
                return (outcome.response.body ?? [], outcome.response.statusCode, outcome.afterward)
            } done: { [self] invocation, outcome in
                request.invocation = invocation
                world.witness.answered(request, outcome?.answer, outcome?.status, invocation)
                guard let outcome else {
                    return arrive(on: socket) { socket.device.failed(request) }
                }
                arrive(on: socket) { socket.device.answered(request, Frame(outcome.answer)) }
            } over: { [self] invocation in
                world.witness.finished(request, invocation)
            }
        }
    }

    /// The client closes its socket.
    func hangUp(_ socket: Socket) {
        guard socket.state != .closed else { return }
        let wasOpen = socket.state == .open
        socket.state = .closed
        if wasOpen { ended(socket) }
    }

    /// The client is gone without a word; the gateway finds out by and by.
    func vanish(_ socket: Socket) {
        socket.isHalfOpen = true
        guard socket.state == .open else { return }
        world.executor.after(chance.within(2000...600_000)) { [self] in
            if socket.state == .open { hangUp(socket) }
        }
    }

    // MARK: - From the service

    /// - Returns: whether the socket is there (200), or not (410).
    @discardableResult
    func deliver(_ frame: [UInt8], to id: String) -> Bool {
        guard let socket = sockets[id], socket.state == .open else { return false }
        arrive(on: socket) { socket.device.received(Frame(frame), on: socket) }
        return true
    }

    /// A frame does not arrive.
    func lose(_ id: String) { sockets[id]?.device.hasMissed = true }

    func socket(_ id: String) -> Socket? { sockets[id] }

    /// A user's sockets that are open now.
    func open(_ tenant: String, _ user: String) -> [Socket] {
        sockets.values.filter { $0.state == .open && $0.device.tenant == tenant && $0.device.user == user }.sorted { $0.id < $1.id }
    }

    /// - Returns: whether there was a socket to close.
    @discardableResult
    func close(_ id: String, _ code: ServerClose) -> Bool {
        guard let socket = sockets[id], socket.state != .closed else { return false }
        let wasOpen = socket.state == .open
        socket.state = .closed
        world.trace.note { "the gateway closes \(id)" }
        world.executor.after(5) { socket.device.closed(socket) }
        if wasOpen { ended(socket) }
        return true
    }

    /// The server died: every socket breaks, and nobody raises an event of it.
    func dropAll() {
        for socket in sockets.values.sorted(by: { $0.id < $1.id }) where socket.state != .closed {
            socket.state = .closed
            world.executor.after(5) { socket.device.closed(socket) }
        }
    }

    private func arrive(on socket: Socket, _ body: @escaping () -> Void) {
        socket.lastArrival = max(socket.lastArrival, world.executor.now + Int64(chance.below(20)))
        world.executor.after(Int(socket.lastArrival - world.executor.now)) {
            if socket.state == .open, !socket.isHalfOpen { body() }
        }
    }

    // MARK: - After the end

    private func ended(_ socket: Socket) {
        guard !world.strikes(\.disconnectLost) else {
            return world.trace.note { "** the $disconnect of \(socket.id) is lost" }
        }
        raiseDisconnect(socket, after: world.strikes(\.disconnectLate) ? 1000 + chance.below(200_000) : chance.below(50))
        if world.strikes(\.disconnectRepeated) { raiseDisconnect(socket, after: 100 + chance.below(60_000)) }
    }

    private func raiseDisconnect(_ socket: Socket, after delay: Int) {
        world.executor.after(delay) { [self] in
            let event = GatewayEvent(GatewayEvent.Context(connectionID: socket.id, routeKey: "$disconnect"))
            world.functions.invoke("Disconnect", .connection(socket.id)) { instance in
                let outcome = await instance.router.handle(.disconnect, event)
                return ([], outcome.response.statusCode, outcome.afterward)
            } done: { [world] invocation, outcome in
                world.witness.answeredWithoutRequest(outcome?.status ?? 500, invocation)
            } over: { [world] in world.witness.finished(nil, $0) }
        }
    }
}
