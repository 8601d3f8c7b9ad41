import ChatModel
import ChatWire
import HTTPCodec
import Synchronization
import WebSocketCodec

/// One client's connection from `$connect` to `$disconnect`: what arrives is queued in order, and one task at a time
/// works the queue off, so that a frame is handled after the one before it is wholly done.
///
/// `@unchecked`: confined to its loop but for the constants and the atomic.
final class GatewayConnection: WebSocketPeer, @unchecked Sendable {
    private enum Step {
        case connect(GatewayEvent)
        case message([UInt8])
        /// A message over the rate: answered in its turn, not handled.
        case overRate([UInt8])
        case disconnect(WebSocketEnd)
    }

    let id = GatewayIdentifier.connection()
    let loop: EventLoop
    let connectedAt: Timestamp
    let sourceIP: String
    let userAgent: String
    private let active: Atomic<Int64>

    let core: GatewayCore
    let members: LoopMembers
    private let handshake: WebSocketHandshake
    /// The `Host` of the handshake.
    let host: String
    private var session: WebSocketSession!
    /// What came after the head of the handshake.
    private var early: [UInt8]
    private var bucket: TokenBucket
    private var steps = FIFO<Step>()
    private var waitingBytes = 0
    private var isWorking = false
    private var isShuttingDown = false

    /// Takes over the channel of a handshake and raises `$connect`.
    init(
        core: GatewayCore, members: LoopMembers, channel: Channel,
        handshake: WebSocketHandshake, head: HTTPRequestHead, query: [QueryItem], received: [UInt8]
    ) {
        self.core = core
        self.members = members
        self.handshake = handshake
        loop = channel.loop
        connectedAt = core.configuration.clock.now()
        active = Atomic(connectedAt.milliseconds)
        sourceIP = channel.peer.ip
        userAgent = head.fields.first("User-Agent") ?? ""
        host = head.fields.first("Host") ?? ""
        early = received
        bucket = TokenBucket(core.configuration.rateLimit)
        session = WebSocketSession(channel, limits: core.sessionLimits, peer: self)
        members.insert(self)
        core.began()
        add(.connect(connectEvent(head, query)))
    }

    /// When the client's last frame arrived.
    var lastActiveAt: Timestamp { Timestamp(milliseconds: active.load(ordering: .relaxed)) }

    /// Queues a frame for the client. Called on the loop.
    func send(_ frame: SharedBytes) { session.send(frame) }

    func close(_ end: WebSocketEnd) { session.close(end) }

    // MARK: From the session

    func received(text: [UInt8]) {
        active.store(core.configuration.clock.now().milliseconds, ordering: .relaxed)
        waitingBytes += text.count
        add(bucket.admits(at: loop.now) ? .message(text) : .overRate(text))
        if isOverfull { session.pause() }
    }

    func received(binary: [UInt8]) {
        session.close(.binaryRefused)
    }

    func ended(_ end: WebSocketEnd) {
        core.directory.remove(id)
        core.log.debug(
            "connection closed",
            ["connectionId": id.text, "code": Int(end.code.rawValue), "reason": end.reason])
        if end.side == .server { dropWaiting() }
        add(.disconnect(end))
    }

    func closed() { members.remove(self) }

    // MARK: One step after the other

    private var isOverfull: Bool {
        steps.count > core.configuration.waitingMessages || waitingBytes > core.configuration.waitingBytes
    }

    private func add(_ step: Step) {
        loop.assertCurrent()
        steps.append(step)
        guard !isWorking else { return }
        isWorking = true
        Task(executorPreference: loop) { [self] in await work() }
    }

    private func dropWaiting() {
        steps.removeAll()
        waitingBytes = 0
    }

    private func work() async {
        while let step = takeStep() {
            switch step {
            case .connect(let event): await connect(event)
            case .message(let text): await handle(text)
            case .overRate(let text): session.send(text: core.configuration.rateLimitedReply(String(decoding: text, as: UTF8.self)))
            case .disconnect(let end): await disconnect(end)
            }
            loop.assertCurrent()
        }
        isWorking = false
    }

    private func takeStep() -> Step? {
        let step = steps.popFirst()
        switch step {
        case .message(let text), .overRate(let text):
            waitingBytes -= text.count
            if !isOverfull { session.resume() }
        case .connect, .disconnect, nil: break
        }
        return step
    }

    private func connect(_ event: GatewayEvent) async {
        let outcome: HandlerOutcome
        do {
            outcome = try await core.invoker.invoke(.connect, event)
        } catch {
            refuse(502, because: "\(error)")
            return core.finished()
        }
        let status = outcome.response.statusCode
        let isAccepted = (200..<300).contains(status)
        if isAccepted {
            accept(outcome.response)
        } else {
            refuse((300...599).contains(status) ? status : 502, because: "the handler's answer")
        }
        await outcome.afterward?()
        if !isAccepted { core.finished() }
    }

    private func accept(_ response: ProxyResponse) {
        core.directory.insert(self)
        core.log.debug("connection opened", ["connectionId": id.text, "sourceIp": sourceIP])
        let wanted = response.headers.first { $0.key.lowercased() == "sec-websocket-protocol" }?.value
        let chosen = wanted.flatMap { handshake.subprotocols.contains($0) ? $0 : nil }
        let received = early
        early = []
        session.open(handshake.acceptance(subprotocol: chosen, sha1: SHA1.digest), received: received)
        if isShuttingDown { session.close(.goingAway) }
    }

    private func refuse(_ status: Int, because reason: String) {
        core.log.info(
            "connection refused",
            ["connectionId": id.text, "status": status, "sourceIp": sourceIP, "because": reason])
        session.refuse(.uniform(status))
    }

    private func handle(_ text: [UInt8]) async {
        let event = messageEvent(text)
        let route = Route(rawValue: event.context.routeKey) ?? .default
        do {
            let outcome = try await core.invoker.invoke(route, event)
            if (200..<300).contains(outcome.response.statusCode) {
                if let body = outcome.response.body, !body.isEmpty { session.send(text: body) }
            } else {
                sendFailure(event, because: "status \(outcome.response.statusCode)")
            }
            await outcome.afterward?()
        } catch {
            sendFailure(event, because: "\(error)")
        }
    }

    private func sendFailure(_ event: GatewayEvent, because reason: String) {
        core.log.error(
            "handler failed",
            [
                "connectionId": id.text, "requestId": event.context.requestID, "route": event.context.routeKey,
                "because": reason,
            ])
        session.send(text: FailureFrame.encode(connectionID: id.text, requestID: event.context.requestID ?? ""))
    }

    private func disconnect(_ end: WebSocketEnd) async {
        do {
            let outcome = try await core.invoker.invoke(.disconnect, disconnectEvent(end))
            await outcome.afterward?()
        } catch {
            core.log.error("handler failed", ["connectionId": id.text, "route": "$disconnect", "because": "\(error)"])
        }
        core.finished()
    }
}

extension GatewayConnection: LoopMember {
    func shutDown() {
        isShuttingDown = true
        session.close(.goingAway)
    }
}
