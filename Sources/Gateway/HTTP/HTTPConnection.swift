import HTTPCodec
import WebSocketCodec

/// One HTTP/1.1 connection: reads a request, has it answered, and reads the next, also when they come pipelined.
///
/// `@unchecked`: confined to its channel's loop.
final class HTTPConnection: ChannelHandler, @unchecked Sendable {
    private let channel: Channel
    private let service: HTTPService
    private let members: LoopMembers
    private var parser: HTTPRequestParser
    /// The request whose body is being read, or that is being answered.
    private var current: HTTPRequestHead?
    private var isAnswering = false
    private var isLast = false
    private var timer: Timers.Token?

    static let closeTimeout: Duration = .seconds(5)

    init(_ channel: Channel, service: HTTPService, members: LoopMembers) {
        self.channel = channel
        self.service = service
        self.members = members
        parser = HTTPRequestParser(limits: service.limits)
    }

    func start() {
        channel.handler = self
        members.insert(self)
        setTimer(service.headTimeout)
        channel.start()
    }

    func received(_ bytes: RawSpan) {
        if current == nil, !parser.isInsideRequest { setTimer(service.headTimeout) }
        parser.append(bytes)
        advance()
    }

    func inputEnded(isBroken: Bool) {
        isLast = true
        // A client that closes its side after a request still waits for the answer.
        if !isAnswering { end() }
    }

    func closed() {
        clearTimer()
        members.remove(self)
    }

    private func advance() {
        do throws(HTTPFault) {
            while !isAnswering, let event = try parser.next() {
                switch event {
                case .head(let head): if !begin(head) { return }
                case .body(let body): if let head = current { answer(HTTPRequest(head: head, body: body)) }
                }
            }
        } catch {
            send(service.refuse(error), to: nil)
        }
    }

    /// Takes a head; false once the connection is no longer ours to read.
    private func begin(_ head: HTTPRequestHead) -> Bool {
        if let upgrade = service.upgrade, WebSocketHandshake.isRequested(by: head) {
            clearTimer()
            switch upgrade(head, channel, parser.takeRemainder()) {
            case .taken: members.remove(self)
            // Whatever follows may be meant for the protocol that was refused.
            case .refused(let response): send(response, to: nil)
            }
            return false
        }
        current = head
        setTimer(service.bodyTimeout)
        if head.expectsContinue { channel.send(SharedBytes(HTTPResponseHead(status: 100).serialized())) }
        return true
    }

    private func answer(_ request: HTTPRequest) {
        isAnswering = true
        clearTimer()
        channel.pause()
        let peer = channel.peer.ip
        Task(executorPreference: channel.loop) { [self] in
            let response = await service.respond(request, peer)
            // Otherwise the loop has ended meanwhile, and the connection with it.
            guard channel.loop.isCurrent else { return }
            send(response, to: request.head)
        }
    }

    /// Sends a response; without a request it is the connection's last.
    private func send(_ response: HTTPResponse, to request: HTTPRequestHead?) {
        channel.loop.assertCurrent()
        // What this turn has queued may still fit the socket.
        if channel.queuedBytes > service.unreadBytes { channel.flush() }
        if channel.queuedBytes > service.unreadBytes { isLast = true }
        let keepsAlive = request?.keepsAlive == true && !isLast && !response.fields.contains("Connection", token: "close")
        let bytes = response.completed(with: service.fields).serialized(keepsAlive: keepsAlive, answersHEAD: request?.method == "HEAD")
        channel.send(SharedBytes(bytes))
        isAnswering = false
        current = nil
        guard keepsAlive else { return end() }
        setTimer(parser.isInsideRequest ? service.headTimeout : service.idleTimeout)
        channel.resume()
        advance()
    }

    private func setTimer(_ delay: Duration) {
        clearTimer()
        timer = channel.loop.schedule(after: delay) { self.timeOut() }
    }

    private func clearTimer() {
        if let timer { channel.loop.cancel(timer) }
        timer = nil
    }

    private func timeOut() {
        timer = nil
        if parser.isInsideRequest || current != nil { send(.uniform(408), to: nil) } else { end() }
    }

    private func end() {
        isAnswering = true
        clearTimer()
        channel.finish(within: Self.closeTimeout)
    }
}

extension HTTPConnection: LoopMember {
    /// Ends the connection, after the answer it may be waiting for.
    func shutDown() {
        isLast = true
        if isAnswering { return }
        if current == nil, !parser.isInsideRequest { channel.close() } else { end() }
    }
}
