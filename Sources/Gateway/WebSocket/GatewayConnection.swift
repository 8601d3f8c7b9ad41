import ChatModel
import ChatWire
import HTTPCodec
import Synchronization
import WebSocketCodec

/// One client's connection from `$connect` to `$disconnect`: what arrives is queued, and a frame is handled after the one
/// before it is wholly done.
///
/// Only frames of ``GatewayConfiguration/concurrentRoutes`` may be under way together: they begin in order, and their
/// replies leave in order.
///
/// `@unchecked`: confined to its loop but for the constants and the atomic.
final class GatewayConnection: WebSocketPeer, @unchecked Sendable {
    private enum Step {
        case connect(GatewayEvent)
        case message(GatewayEvent, Route, bytes: Int)
        /// A message over the rate: answered in its turn, not handled.
        case overRate([UInt8])
        case disconnect(WebSocketEnd)
    }

    /// What a handler is run for; a message with the place of its reply.
    private enum Work {
        case connect(GatewayEvent)
        case message(GatewayEvent, Route, place: Int, bytes: Int)
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
    /// Nil once it is answered.
    private var handshake: WebSocketHandshake?
    /// The `Host` of the handshake.
    let host: String
    private var session: WebSocketSession!
    /// What came after the head of the handshake.
    private var early: [UInt8]
    private var bucket: TokenBucket
    private var steps = FIFO<Step>()
    private var waitingBytes = 0
    /// Steps under way, and the bytes of their messages.
    private var running = 0
    private var runningBytes = 0
    /// Whether the step under way suffers no other beside it.
    private var runsAlone = false
    private var replies = ReplyOrder()
    /// How it is to end as soon as it is let in.
    private var endOnceOpen: WebSocketEnd?
    private(set) var isEnded = false
    /// The topics it is in.
    private(set) var subscriptions: [Subscription] = []
    /// Whether some frame of the topic that is being given out is not for this connection.
    var isExcepted = false {
        didSet { if isExcepted != oldValue { channel.object(toDirectWrites: isExcepted) } }
    }

    /// Takes over the channel of a handshake, whose address is counted, and raises `$connect`.
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
        core.directory.insertConnecting(self)
        core.began()
        add(.connect(connectEvent(head, query)))
    }

    /// When the client's last frame arrived.
    var lastActiveAt: Timestamp { Timestamp(milliseconds: active.load(ordering: .relaxed)) }

    /// Queues a frame for the client. Called on the loop.
    func send(_ frame: SharedBytes) { session.send(frame) }

    /// Where a topic writes to without further ado.
    var channel: Channel { session.channel }

    /// Called on the loop.
    func close(_ end: WebSocketEnd) {
        if handshake != nil { endOnceOpen = endOnceOpen ?? end }
        session.close(end)
    }

    /// Notes that it is in a topic. In several it may get frames of each in one turn, which then leave in one write.
    func entered(_ topic: TopicPart, place: Int) {
        subscriptions.append(Subscription(topic: topic, place: place))
        if subscriptions.count == 2 { channel.object(toDirectWrites: true) }
    }

    /// Notes that it is no longer in a topic: its place there, or nil if it was not in it.
    func left(_ topic: TopicPart) -> Int? {
        guard let index = subscriptions.firstIndex(where: { $0.topic === topic }) else { return nil }
        if subscriptions.count == 2 { channel.object(toDirectWrites: false) }
        return subscriptions.remove(at: index).place
    }

    /// Notes its new place in a topic.
    func moved(to place: Int, in topic: TopicPart) {
        guard let index = subscriptions.firstIndex(where: { $0.topic === topic }) else { return }
        subscriptions[index].place = place
    }

    // MARK: From the session

    func received(text: [UInt8]) {
        active.store(core.configuration.clock.now().milliseconds, ordering: .relaxed)
        waitingBytes += text.count
        if bucket.admits(at: loop.now) {
            let (event, route) = messageEvent(text)
            add(.message(event, route, bytes: text.count))
        } else {
            add(.overRate(text))
        }
        if isOverfull { session.pause() }
    }

    func received(binary: [UInt8]) {
        session.close(.binaryRefused)
    }

    func ended(_ end: WebSocketEnd) {
        isEnded = true
        core.directory.remove(id)
        while let subscription = subscriptions.last { subscription.topic.remove(self) }
        core.log.debug(
            "connection closed",
            ["connectionId": id.text, "code": Int(end.code.rawValue), "reason": end.reason])
        if end.side == .server { dropWaiting() }
        add(.disconnect(end))
    }

    func closed() {
        core.addresses.leave(channel.peer)
        members.remove(self)
    }

    // MARK: One step after the other

    private var isOverfull: Bool {
        steps.count > core.configuration.waitingMessages || waitingBytes > core.configuration.waitingBytes
    }

    private func add(_ step: Step) {
        loop.assertCurrent()
        steps.append(step)
        advance()
    }

    private func dropWaiting() {
        steps.removeAll()
        waitingBytes = 0
    }

    /// Begins every step whose turn it is.
    private func advance() {
        while let step = steps.first, mayBegin(step) {
            _ = steps.popFirst()
            switch step {
            case .overRate(let text):
                noteTaken(text.count)
                answer(replies.open(), core.configuration.rateLimitedReply(String(decoding: text, as: UTF8.self)))
            case .message(let event, let route, let bytes):
                noteTaken(bytes)
                let place = replies.open()
                runningBytes += bytes
                begin(.message(event, route, place: place, bytes: bytes), alone: !core.configuration.concurrentRoutes.contains(route))
            case .connect(let event): begin(.connect(event), alone: true)
            case .disconnect(let end): begin(.disconnect(end), alone: true)
            }
        }
    }

    private func mayBegin(_ step: Step) -> Bool {
        if running == 0 { return true }
        guard !runsAlone, replies.count < core.configuration.concurrentMessages,
            runningBytes < core.configuration.waitingBytes
        else { return false }
        return switch step {
        case .overRate: true
        case .message(_, let route, _): core.configuration.concurrentRoutes.contains(route)
        case .connect, .disconnect: false
        }
    }

    private func begin(_ work: Work, alone: Bool) {
        running += 1
        runsAlone = alone
        Task(executorPreference: loop) { [self] in
            switch work {
            case .connect(let event): await connect(event)
            case .message(let event, let route, let place, let bytes):
                await handle(event, route, place)
                runningBytes -= bytes
            case .disconnect(let end): await disconnect(end)
            }
            loop.assertCurrent()
            running -= 1
            if running == 0 { runsAlone = false }
            advance()
        }
    }

    /// A frame is being handled and waits no more.
    private func noteTaken(_ bytes: Int) {
        waitingBytes -= bytes
        if !isOverfull { session.resume() }
    }

    private func answer(_ place: Int, _ reply: [UInt8]?) {
        replies.close(place, reply) { session.send(text: $0) }
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
        guard let handshake else { preconditionFailure("a handshake is answered once") }
        self.handshake = nil
        core.directory.insert(self)
        core.log.debug("connection opened", ["connectionId": id.text, "sourceIp": sourceIP])
        let wanted = response.headers.first { $0.key.lowercased() == "sec-websocket-protocol" }?.value
        let chosen = wanted.flatMap { handshake.subprotocols.contains($0) ? $0 : nil }
        let received = early
        early = []
        session.open(handshake.acceptance(subprotocol: chosen, sha1: SHA1.digest), received: received)
        if let endOnceOpen { session.close(endOnceOpen) }
    }

    private func refuse(_ status: Int, because reason: String) {
        core.directory.remove(id)
        core.log.info(
            "connection refused",
            ["connectionId": id.text, "status": status, "sourceIp": sourceIP, "because": reason])
        session.refuse(HTTPResponse.uniform(status).completed(with: .security))
    }

    private func handle(_ event: GatewayEvent, _ route: Route, _ place: Int) async {
        do {
            let outcome = try await core.invoker.invoke(route, event)
            let isAnswer = (200..<300).contains(outcome.response.statusCode)
            answer(place, isAnswer ? outcome.response.body : failure(event, because: "status \(outcome.response.statusCode)"))
            await outcome.afterward?()
        } catch {
            answer(place, failure(event, because: "\(error)"))
        }
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
    func shutDown() { close(.goingAway) }
}
