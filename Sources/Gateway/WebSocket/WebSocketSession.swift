import HTTPCodec
import WebSocketCodec

/// Who is told what happens on a session, on its loop.
protocol WebSocketPeer: AnyObject {
    func received(text: [UInt8])
    func received(binary: [UInt8])
    /// The session carries no more messages. Called once for every session that was opened.
    func ended(_ end: WebSocketEnd)
    /// The TCP connection is gone. Called once for every session, and last.
    func closed()
}

/// One WebSocket: frames both ways, and every way it can end (RFC 6455 sections 5 to 7).
///
/// Shared by the gateway and the echo server. `@unchecked`: confined to its channel's loop.
final class WebSocketSession: ChannelHandler, @unchecked Sendable {
    /// The same for all sessions of a server, which share one.
    final class Limits: Sendable {
        let frames: WebSocketLimits
        /// Bytes that may wait for a peer that does not read. One frame more may always wait.
        let sendQueueBytes: Int
        /// Without a data frame from the client; nil: never.
        let idleTimeout: Duration?
        /// From the handshake; nil: never.
        let maxAge: Duration?
        /// See ``MessageProgress``.
        let messageTimeout: Duration

        init(
            frames: WebSocketLimits, sendQueueBytes: Int, idleTimeout: Duration? = nil, maxAge: Duration? = nil,
            messageTimeout: Duration = .seconds(20)
        ) {
            self.frames = frames
            self.sendQueueBytes = sendQueueBytes
            self.idleTimeout = idleTimeout
            self.maxAge = maxAge
            self.messageTimeout = messageTimeout
        }
    }

    private enum State {
        /// The handshake waits for a decision; nothing is read.
        case pending
        case open
        /// Our close frame is out, the peer's is awaited.
        case closing
        /// Both sides have ended the conversation.
        case ended
    }

    let channel: Channel
    private let limits: Limits
    private var state: State = .pending {
        didSet {
            if (state == .open) != (oldValue == .open) { channel.object(toDirectWrites: state != .open) }
        }
    }
    private var decoder: MessageDecoder
    private var openedAt: Int64 = 0
    /// The turn of the last data frame, on the monotonic clock.
    private var lastData: Int64 = 0
    private var progress = MessageProgress()
    private var timer: Timers.Token?
    /// When the timer fires.
    private var timerDeadline: Int64 = .max
    /// Kept until the channel is closed.
    private var peer: (any WebSocketPeer)?

    /// How long a peer has to answer a close frame, and to read what is left for it.
    static let closeTimeout: Duration = .seconds(5)

    /// Takes over a channel; nothing is read from it before the handshake is accepted.
    init(_ channel: Channel, limits: Limits, peer: any WebSocketPeer) {
        self.channel = channel
        self.limits = limits
        self.peer = peer
        decoder = MessageDecoder(role: .server, limits: limits.frames)
        channel.handler = self
        channel.pause()
    }

    var loop: EventLoop { channel.loop }

    /// Answers the handshake and begins to read; `received` are bytes that came after its head.
    func open(_ head: HTTPResponseHead, received: [UInt8]) {
        guard state == .pending, !channel.isClosed else { return }
        state = .open
        openedAt = loop.now
        lastData = loop.now
        channel.send(SharedBytes(head.serialized()))
        scheduleTimeout()
        channel.resume()
        if !received.isEmpty { self.received(unsafe received.span.bytes) }
    }

    /// Answers the handshake with an error and ends the connection.
    func refuse(_ response: HTTPResponse) {
        guard state == .pending else { return }
        state = .ended
        channel.send(SharedBytes(response.serialized(keepsAlive: false)))
        channel.finish(within: Self.closeTimeout)
    }

    /// Queues a frame. A peer that reads too slowly for it is closed with 1013.
    func send(_ frame: SharedBytes) {
        guard state == .open else { return }
        if channel.queuedBytes + frame.count > limits.sendQueueBytes {
            // What this turn has queued may still fit the socket.
            channel.flush()
            if channel.queuedBytes > 0, channel.queuedBytes + frame.count > limits.sendQueueBytes {
                channel.dropUnsent()
                return close(.slowConsumer)
            }
        }
        channel.send(frame)
    }

    func send(text: [UInt8]) { send(SharedBytes(textFrame: text)) }

    /// Sends a close frame after what is queued and waits for the peer's, for five seconds at most.
    func close(_ end: WebSocketEnd) {
        guard state == .open else { return }
        channel.send(SharedBytes(FrameEncoder.close(end.code, reason: end.reason)))
        channel.closeBy(Self.closeTimeout)
        channel.resume()
        conclude(end)
    }

    /// Lets the peer send no more for a while.
    func pause() {
        guard state == .open else { return }
        progress.hold()
        channel.pause()
    }

    func resume() {
        if progress.release(at: loop.now) { expectProgress() }
        channel.resume()
    }

    func received(_ bytes: RawSpan) {
        guard state == .open || state == .closing else { return }
        do throws(WebSocketFault) {
            try decoder.decode(bytes) { deliver($0) }
            if progress.note(decoder, at: loop.now) { expectProgress() }
        } catch {
            close(WebSocketEnd(error))
            // Nothing the peer sends can be understood any more, not even its close frame.
            end()
        }
    }

    func inputEnded(isBroken: Bool) {
        if state == .open { conclude(.broken) }
        end()
    }

    func closed() {
        cancelTimer()
        if state == .open { conclude(.broken) }
        state = .ended
        let last = peer
        peer = nil
        last?.closed()
    }

    private func deliver(_ event: WebSocketEvent) {
        switch (event, state) {
        case (.text(let text), .open):
            lastData = loop.now
            peer?.received(text: text)
        case (.binary(let bytes), .open):
            lastData = loop.now
            peer?.received(binary: bytes)
        case (.ping(let payload), .open): send(SharedBytes(FrameEncoder.frame(.pong, payload)))
        case (.close(let code, let reason), .open):
            channel.send(SharedBytes(FrameEncoder.close(code.map(WebSocketCloseCode.init(rawValue:)))))
            conclude(WebSocketEnd(peerCode: code, reason: reason))
            end()
        case (.close, .closing): end()
        default: break
        }
    }

    /// Ends TCP once everything is sent.
    private func end() {
        state = .ended
        channel.finish(within: Self.closeTimeout)
    }

    private func conclude(_ end: WebSocketEnd) {
        if state == .open { state = .closing }
        cancelTimer()
        peer?.ended(end)
    }

    private func cancelTimer() {
        if let timer { loop.cancel(timer) }
        timer = nil
        timerDeadline = .max
    }

    /// Brings the timer forward for a message that has begun, unless it looks soon enough as it is.
    private func expectProgress() {
        guard state == .open, let deadline = progress.deadline(decoder, limits.messageTimeout), deadline < timerDeadline else { return }
        cancelTimer()
        scheduleTimeout()
    }

    /// One timer for idleness, age and slowness: frames only note the time, the timer looks at it when it fires.
    private func scheduleTimeout() {
        let idle = limits.idleTimeout.map { lastData + $0.nanoseconds }
        let age = limits.maxAge.map { openedAt + $0.nanoseconds }
        let whole = progress.deadline(decoder, limits.messageTimeout)
        guard let deadline = [idle, age, whole].compactMap(\.self).min() else { return }
        if deadline <= loop.now { return close(deadline == whole ? .tooSlow : .goingAway) }
        timerDeadline = deadline
        timer = loop.schedule(after: .nanoseconds(deadline - loop.now)) { [self] in
            timer = nil
            timerDeadline = .max
            scheduleTimeout()
        }
    }
}
