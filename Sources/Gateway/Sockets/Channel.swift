import Glibc

/// What becomes of a channel's bytes.
protocol ChannelHandler: AnyObject {
    /// Bytes from the peer, valid during the call.
    func received(_ bytes: RawSpan)
    /// The peer sends no more: it closed its side, or (`isBroken`) the connection is gone.
    func inputEnded(isBroken: Bool)
    /// The descriptor is closed. Called once, always, and last.
    func closed()
}

/// One TCP connection on its loop: reads on readiness, writes once per turn.
///
/// `@unchecked`: confined to its loop's thread.
final class Channel: EventSource, @unchecked Sendable {
    private enum State {
        case open
        /// Our side ends once everything is sent.
        case finishing
        /// Our side has ended; what the peer still sends is thrown away, so that closing does not reset the
        /// connection under bytes that it has not read yet.
        case draining
        case closed
    }

    // First what a fan-out looks at, so that it is near together in memory.
    private let descriptor: CInt
    private var state: State = .open
    private var isFlushPending = false
    /// Set by the first failed write: what is sent afterwards is dropped, what was received is still read.
    private var isOutputBroken = false
    /// What its owners have against writes past the end of the turn; at first one thing, that no frames are exchanged yet.
    private var directWriteObjections: UInt16 = 1
    private var queue = SendQueue()
    let loop: EventLoop
    private var isPaused = false
    /// Whether something arrived during the pause: it stays in the kernel, and is not reported again.
    private var hasUnreadInput = false
    private var hasInputEnded = false
    private var interest: Interest = .read
    private var tag: UInt64?
    let peer: SocketAddress
    private var deadline: Timers.Token?
    /// Kept until the channel is closed.
    var handler: (any ChannelHandler)?

    /// Takes over a connected, non-blocking descriptor. Call ``start()`` once the handler is set.
    init(_ descriptor: CInt, peer: SocketAddress, loop: EventLoop) {
        self.descriptor = descriptor
        self.peer = peer
        self.loop = loop
    }

    func start() {
        do throws(SystemFailure) {
            tag = try loop.watch(descriptor, interest, for: self)
        } catch {
            close()
        }
    }

    var queuedBytes: Int { queue.byteCount }
    var isClosed: Bool { state == .closed }

    /// Queues bytes for the end of the turn. Dropped when the channel is ending.
    func send(_ bytes: SharedBytes) {
        loop.assertCurrent()
        guard state == .open, !isOutputBroken else { return }
        queue.append(bytes)
        flushLater()
    }

    /// Writes bytes at once, for a sender who knows that nothing else comes in this turn; false, and nothing is done, if
    /// something waits before them.
    func writeNow(_ bytes: SharedBytes) -> Bool {
        guard directWriteObjections == 0, state == .open, !isOutputBroken, !isFlushPending, queue.isEmpty else { return false }
        do throws(SystemFailure) {
            let outcome = unsafe try SocketCalls.send(descriptor, UnsafeRawBufferPointer(start: bytes.start, count: bytes.count))
            var sent = 0
            if case .done(let count) = outcome { sent = count }
            if sent < bytes.count {
                queue.append(bytes)
                queue.removeSent(sent)
                updateInterest()
            }
        } catch {
            isOutputBroken = true
        }
        return true
    }

    /// Counts reasons against ``writeNow(_:)``: frames are not being exchanged, or more may come in this turn.
    func object(toDirectWrites isObjecting: Bool) {
        if isObjecting { directWriteObjections += 1 } else { directWriteObjections -= 1 }
    }

    /// Drops what has not begun to leave.
    func dropUnsent() { queue.removeUnstarted() }

    /// Stops reading: the peer feels it as TCP back-pressure.
    ///
    /// The kernel is told once something has arrived: most pauses are over before.
    func pause() { isPaused = true }

    func resume() {
        guard isPaused else { return }
        isPaused = false
        hasUnreadInput = false
        // The descriptor was let go if it reported a hang-up that nobody wanted to read up to.
        if tag == nil, state != .closed { start() }
        updateInterest()
    }

    /// Sends what is queued, ends our side, waits for the peer's end, and closes in any case after `limit`.
    func finish(within limit: Duration) {
        guard state == .open else { return }
        state = .finishing
        closeBy(limit)
        if isOutputBroken || hasInputEnded && queue.isEmpty { return close() }
        resume()
        flushLater()
    }

    /// Closes in any case after `limit`, whatever happens in between; the first limit stands.
    func closeBy(_ limit: Duration) {
        guard state != .closed, deadline == nil else { return }
        // Strong, as every timer of a connection: closing cancels it, and a weak reference would make each retain of
        // the object slower from then on.
        deadline = loop.schedule(after: limit) { self.close() }
    }

    /// Closes now. What is not sent is lost.
    func close() {
        guard state != .closed else { return }
        state = .closed
        // Without it the kernel would keep what it has for a peer that does not read, for minutes.
        if !queue.isEmpty { SocketCalls.resetOnClose(descriptor) }
        queue.removeAll()
        if let deadline { loop.cancel(deadline) }
        if let tag { loop.ignore(descriptor, tag: tag) }
        tag = nil
        closeDescriptor(descriptor)
        let last = handler
        handler = nil
        last?.closed()
    }

    func loopEnds() { close() }

    func becameReady(_ readiness: Readiness) {
        if readiness.contains(.writable) { flushLater() }
        if readiness.contains(.hangUp), isPaused || hasInputEnded {
            // Level-triggered, it would be reported for ever; reading finds it again.
            return isPaused ? letGo() : close()
        }
        guard !readiness.isDisjoint(with: [.readable, .hangUp]) else { return }
        if isPaused {
            hasUnreadInput = true
            updateInterest()
        } else {
            read()
        }
    }

    private func letGo() {
        if let tag { loop.ignore(descriptor, tag: tag) }
        tag = nil
        if state != .open { close() }
    }

    private func read() {
        do throws(SystemFailure) {
            switch unsafe try SocketCalls.receive(descriptor, into: loop.readBuffer) {
            case .wouldBlock: break
            case .done(0): endInput(isBroken: false)
            case .done(let count):
                guard state == .open else { break }
                let bytes = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(loop.readBuffer.baseAddress!), byteCount: count)
                handler?.received(bytes)
            }
        } catch {
            endInput(isBroken: true)
        }
    }

    private func endInput(isBroken: Bool) {
        hasInputEnded = true
        if isBroken || state == .draining {
            if state == .open { handler?.inputEnded(isBroken: isBroken) }
            return close()
        }
        updateInterest()
        if state == .open { handler?.inputEnded(isBroken: false) }
    }

    private func flushLater() {
        guard !isFlushPending else { return }
        isFlushPending = true
        loop.flushLater(self)
    }

    /// One vectored write; called by the loop at the end of its turn.
    func flush() {
        isFlushPending = false
        guard state == .open || state == .finishing else { return }
        if !queue.isEmpty {
            do throws(SystemFailure) {
                let count = unsafe queue.fill(loop.vectors)
                let vectors = unsafe UnsafeMutableBufferPointer(rebasing: loop.vectors[..<count])
                if case .done(let sent) = unsafe try SocketCalls.send(descriptor, vectors) { queue.removeSent(sent) }
            } catch {
                isOutputBroken = true
                queue.removeAll()
                if state == .finishing { return close() }
            }
        }
        updateInterest()
        if state == .finishing, queue.isEmpty { endOutput() }
    }

    private func endOutput() {
        if hasInputEnded { return close() }
        state = .draining
        SocketCalls.shutdownWriting(descriptor)
        updateInterest()
    }

    private func updateInterest() {
        guard let tag else { return }
        var wanted: Interest = []
        if !hasUnreadInput, !hasInputEnded { wanted.insert(.read) }
        if !queue.isEmpty { wanted.insert(.write) }
        guard wanted != interest else { return }
        interest = wanted
        loop.update(descriptor, wanted, tag: tag)
    }
}
