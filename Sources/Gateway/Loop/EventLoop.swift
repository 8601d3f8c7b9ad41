import CLinux
import Glibc
import Synchronization

/// One thread with its own epoll: sockets, timers, and the asynchronous code of its connections.
///
/// As a `TaskExecutor` it runs handler code on the thread of the connection it serves, so that nothing hops. A turn is:
/// wait for events, read, run jobs, fire timers, then write every socket that has something to send, once.
///
/// `@unchecked`: everything below the shared part is touched on the loop's own thread only.
@safe final class EventLoop: TaskExecutor, @unchecked Sendable {
    // Shared
    let clock: any GatewayClock
    private let inbox = LoopInbox()
    private let wakeUp: CInt
    private let thread = Atomic<UInt>(0)

    // Confined
    private let poller: EpollPoller
    private var sources = SourceSlots()
    private var timers = Timers()
    /// The clock at the start of the turn.
    private(set) var now: Int64
    private var jobs = FIFO<UnownedJob>(keepsCapacity: true)
    private var batch: [LoopInbox.Work] = []
    private var undrained: [TopicPart] = []
    private var unflushed: [Channel] = []
    private var isEnding = false
    /// Where every socket of the loop reads into.
    let readBuffer: UnsafeMutableRawBufferPointer
    /// Where every socket of the loop gathers a vectored write.
    let vectors: UnsafeMutableBufferPointer<iovec>

    /// Bytes one read takes at most.
    private static let readBytes = 128 * 1024
    /// Buffers one vectored write takes at most.
    private static let vectorCount = 128
    /// Jobs run before sockets are looked at again.
    private static let jobsPerTurn = 4096
    private static let roundsPerTurn = 4

    /// A loop whose thread runs at once.
    static func start(named name: String, clock: any GatewayClock) throws(GatewayError) -> EventLoop {
        do throws(SystemFailure) {
            let loop = try EventLoop(clock: clock)
            try loop.startThread(named: name)
            return loop
        } catch {
            throw .system(error)
        }
    }

    private init(clock: any GatewayClock) throws(SystemFailure) {
        self.clock = clock
        now = clock.monotonicNanoseconds()
        poller = try EpollPoller()
        wakeUp = try call("eventfd") { eventfd(0, CInt(EFD_NONBLOCK | EFD_CLOEXEC)) }
        try poller.add(wakeUp, .read, tag: .max)
        unsafe readBuffer = .allocate(byteCount: Self.readBytes, alignment: 16)
        unsafe vectors = .allocate(capacity: Self.vectorCount)
    }

    deinit {
        closeDescriptor(wakeUp)
        unsafe readBuffer.deallocate()
        unsafe vectors.deallocate()
    }

    private func startThread(named name: String) throws(SystemFailure) {
        var handle = pthread_t()
        let argument = unsafe Unmanaged.passRetained(self).toOpaque()
        let failure = unsafe pthread_create(&handle, nil, { argument in
            let loop = unsafe Unmanaged<EventLoop>.fromOpaque(argument!).takeRetainedValue()
            loop.run()
            return nil
        }, argument)
        guard failure == 0 else {
            unsafe Unmanaged<EventLoop>.fromOpaque(argument).release()
            throw SystemFailure(call: "pthread_create", errno: failure)
        }
        unsafe clinux_name_thread(handle, name)
        pthread_detach(handle)
    }

    // MARK: From any thread

    /// Whether the caller is on the loop's thread.
    var isCurrent: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }

    func assertCurrent() { assert(isCurrent, "off the loop's thread") }

    /// Runs `body` on the loop's thread, after everything handed over before, by whatever thread.
    ///
    /// False when the loop has ended: the body will not run.
    @discardableResult
    func execute(_ body: @escaping @Sendable () -> Void) -> Bool {
        let arrival = inbox.put(.call(body))
        if arrival == .wakes { wake() }
        return arrival != .refused
    }

    /// Makes the loop look at its clock again.
    func wake() {
        if let gathering = WakeUps.current { gathering.add(self) } else { wakeNow() }
    }

    func wakeNow() {
        var one: UInt64 = 1
        // Would-block means that a wake-up is pending already.
        _ = unsafe write(wakeUp, &one, 8)
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isCurrent { return jobs.append(job) }
        switch inbox.put(.job(job)) {
        case .queued: break
        case .wakes: wake()
        // A handler that outlived the server still has to end somewhere.
        case .refused: globalConcurrentExecutor.enqueue(ExecutorJob(job))
        }
    }

    /// Ends the thread after this turn. Sockets still open are closed with it.
    func stop() {
        execute { self.isEnding = true }
    }

    // MARK: On the loop's thread

    func schedule(after delay: Duration, _ action: @escaping () -> Void) -> Timers.Token {
        assertCurrent()
        return timers.schedule(at: clock.monotonicNanoseconds() + delay.nanoseconds, action)
    }

    func cancel(_ token: Timers.Token) {
        assertCurrent()
        timers.cancel(token)
    }

    /// Watches a descriptor; the tag names it in ``update(_:_:tag:)`` and ``ignore(_:tag:)``.
    func watch(_ descriptor: CInt, _ interest: Interest, for source: any EventSource) throws(SystemFailure) -> UInt64 {
        assertCurrent()
        let tag = sources.insert(source)
        do throws(SystemFailure) {
            try poller.add(descriptor, interest, tag: tag)
        } catch {
            sources.remove(tag)
            throw error
        }
        return tag
    }

    func update(_ descriptor: CInt, _ interest: Interest, tag: UInt64) {
        // The descriptor is watched, so the kernel has what it needs: a failure here would be ours.
        try! poller.update(descriptor, interest, tag: tag)
    }

    /// Must come before the descriptor is closed.
    func ignore(_ descriptor: CInt, tag: UInt64) {
        assertCurrent()
        sources.remove(tag)
        try! poller.remove(descriptor)
    }

    /// Has the topic give out what was published to it at the end of the turn.
    func drainLater(_ topic: TopicPart) {
        assertCurrent()
        undrained.append(topic)
    }

    /// Has the channel write what it holds at the end of the turn.
    func flushLater(_ channel: Channel) {
        assertCurrent()
        unflushed.append(channel)
    }

    private func run() {
        thread.store(UInt(pthread_self()), ordering: .relaxed)
        while !isEnding { turn() }
        for source in sources.all { source.loopEnds() }
        // What still waits for its time may hold the loop itself.
        timers = Timers()
        for work in inbox.close() {
            switch work {
            case .job(let job): globalConcurrentExecutor.enqueue(ExecutorJob(job))
            // It was accepted, and somebody may be waiting for it.
            case .call(let body): body()
            }
        }
        while let job = jobs.popFirst() { globalConcurrentExecutor.enqueue(ExecutorJob(job)) }
    }

    private func turn() {
        let count = poll()
        now = clock.monotonicNanoseconds()
        for index in 0..<count {
            let (tag, readiness) = poller.event(index)
            if tag == .max { drainWakeUp() } else { sources[tag]?.becameReady(readiness) }
        }
        while let action = timers.takeDue(at: now) { action() }
        // What jobs hand over is still done in this turn, within reason: frames that were decided together leave together.
        var rounds = 0
        repeat {
            rounds += 1
            runInbox()
            runJobs()
        } while rounds < Self.roundsPerTurn && inbox.hasWork
        drain()
        flush()
    }

    private func poll() -> Int {
        var milliseconds: Int32 = 0
        if jobs.isEmpty, inbox.fallAsleep() {
            // Topics that wait for more look again soon.
            milliseconds = undrained.isEmpty ? -1 : 1
            if let deadline = timers.nextDeadline() {
                let wait = deadline - clock.monotonicNanoseconds()
                // Rounded up, or the loop would spin through the last fraction of a millisecond.
                let bounded = Int32(clamping: max(0, (wait + 999_999) / 1_000_000))
                milliseconds = milliseconds < 0 ? bounded : min(milliseconds, bounded)
            }
        }
        do {
            return try poller.wait(milliseconds: milliseconds)
        } catch {
            preconditionFailure("epoll_wait: errno \(error.errno)")
        }
    }

    private func drainWakeUp() {
        var count: UInt64 = 0
        _ = unsafe read(wakeUp, &count, 8)
    }

    private func runInbox() {
        inbox.take(into: &batch)
        for work in batch {
            switch work {
            case .job(let job): jobs.append(job)
            case .call(let body): body()
            }
        }
        batch.removeAll(keepingCapacity: true)
    }

    private func runJobs() {
        var budget = Self.jobsPerTurn
        while budget > 0, let job = jobs.popFirst() {
            budget -= 1
            unsafe job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }

    private func drain() {
        undrained.removeAll { $0.drain() }
    }

    /// A channel may be made to send while another is flushed: it is then flushed in the same turn.
    private func flush() {
        var index = 0
        while index < unflushed.count {
            unflushed[index].flush()
            index += 1
        }
        unflushed.removeAll(keepingCapacity: true)
    }
}
