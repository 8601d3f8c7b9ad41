/// A connection that ends in its own way when its server stops.
protocol LoopMember: AnyObject {
    /// Called on the loop's thread.
    func shutDown()
}

/// The live connections of one server on one loop.
///
/// `@unchecked`: confined to the loop's thread.
final class LoopMembers: @unchecked Sendable {
    let loop: EventLoop
    /// Which of the server's loops this is.
    let index: Int
    var requestIDs = RequestIdentifiers()
    private var members: [ObjectIdentifier: any LoopMember] = [:]
    private var isShutDown = false
    private var isLoopEnding = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    init(_ loop: EventLoop, index: Int = 0) {
        self.loop = loop
        self.index = index
    }

    static func make(_ loops: [EventLoop]) -> [LoopMembers] {
        loops.enumerated().map { LoopMembers($0.element, index: $0.offset) }
    }

    func insert(_ member: any LoopMember) {
        loop.assertCurrent()
        members[ObjectIdentifier(member)] = member
        // A connection that was on its way from the listener when the server stopped.
        if isShutDown { loop.execute { [weak self] in self?.shutDown() } }
    }

    func remove(_ member: any LoopMember) {
        loop.assertCurrent()
        members[ObjectIdentifier(member)] = nil
        if members.isEmpty { notify() }
    }

    /// Returns once there are none, or the loop is about to end.
    func waitUntilEmpty() async {
        await withCheckedContinuation { continuation in
            let isTaken = loop.execute { [self] in
                waiters.append(continuation)
                if members.isEmpty || isLoopEnding { notify() }
            }
            if !isTaken { continuation.resume() }
        }
    }

    /// Ends the loop's thread, after letting go whoever waits.
    func endLoop() {
        loop.execute { [self] in
            isLoopEnding = true
            notify()
        }
        loop.stop()
    }

    private func notify() {
        let waiters = waiters
        self.waiters = []
        for waiter in waiters { waiter.resume() }
    }

    func shutDown() {
        isShutDown = true
        for member in Array(members.values) { member.shutDown() }
    }
}
