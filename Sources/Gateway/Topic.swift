import ChatModel
import Synchronization

/// Connections that get the same frames, such as the members of a room.
///
/// Each event loop has its own part. What is published during a turn of a loop is joined into one buffer, which every
/// member's socket gets by reference, in one write.
public final class Topic: Sendable {
    let parts: [TopicPart]

    init(_ loops: [EventLoop]) {
        parts = loops.map(TopicPart.init)
    }

    /// One that nobody can join: for when there is no gateway.
    public convenience init() { self.init([]) }
}

/// The connections of one loop in a topic, and what was published to them in this turn.
///
/// `@unchecked`: confined to its loop but for `count`.
@safe final class TopicPart: @unchecked Sendable {
    private struct Publication {
        let frame: SharedBytes
        /// Who gets no copy.
        let except: GatewayConnection?
    }

    let loop: EventLoop
    private var members: [GatewayConnection] = []
    /// The members' channels, in the same places. The connections keep them: a fan-out counts no references.
    private var channels: [Unmanaged<Channel>] = unsafe []
    private var pending: [Publication] = []
    private var pendingBytes = 0
    /// When the first of them was published, on the loop's clock.
    private var pendingSince: Int64 = 0
    /// Whether the last one was said to be followed by another.
    private var expectsMore = false
    /// Whether the loop will ask for it.
    private var isDraining = false
    /// Members, counted on joining before they are reached and on leaving after they are not: 0 is sure.
    let count = Atomic<Int>(0)

    /// Frames are joined up to about so many bytes.
    private static let joinedBytes = 64 * 1024
    /// How long frames wait for one that was said to follow.
    private static let longestWait: Duration = .milliseconds(1)

    init(_ loop: EventLoop) { self.loop = loop }

    func insert(_ connection: GatewayConnection) {
        // What was published before is not for the newcomer.
        giveOut()
        connection.entered(self, place: members.count)
        members.append(connection)
        unsafe channels.append(.passUnretained(connection.channel))
    }

    func remove(_ connection: GatewayConnection) {
        // What was published before is still for the one who leaves.
        giveOut()
        guard let place = connection.left(self) else { return }
        let last = members.removeLast(), channel = unsafe channels.removeLast()
        count.subtract(1, ordering: .relaxed)
        guard last !== connection else { return }
        members[place] = last
        unsafe channels[place] = channel
        last.moved(to: place, in: self)
    }

    func publish(_ frame: SharedBytes, except: GatewayConnection?, moreFollows: Bool) {
        if pendingBytes + frame.count > Self.joinedBytes { giveOut() }
        if pending.isEmpty {
            pendingSince = loop.now
            if !isDraining { loop.drainLater(self) }
            isDraining = true
        }
        expectsMore = moreFollows
        pending.append(Publication(frame: frame, except: except))
        pendingBytes += frame.count
    }

    /// Called at the end of each turn while something waits; false when it has to wait on.
    func drain() -> Bool {
        if expectsMore, !pending.isEmpty, loop.now - pendingSince < Self.longestWait.nanoseconds { return false }
        isDraining = false
        giveOut()
        return true
    }

    private func giveOut() {
        guard !pending.isEmpty else { return }
        let publications = pending
        pending.removeAll(keepingCapacity: false)
        pendingBytes = 0
        let all = publications.count == 1 ? publications[0].frame : SharedBytes(joining: publications.lazy.map(\.frame))
        for publication in publications { publication.except?.isExcepted = true }
        // From the last: a member that is closed for reading too slowly goes out of the topic meanwhile.
        var place = members.count
        while place > 0 {
            place -= 1
            // Most members: no other object of theirs is touched, nothing is allocated, one system call.
            if unsafe channels[place]._withUnsafeGuaranteedRef({ $0.writeNow(all) }) { continue }
            send(all, publications, to: members[place])
        }
        for publication in publications { publication.except?.isExcepted = false }
    }

    private func send(_ all: SharedBytes, _ publications: [Publication], to member: GatewayConnection) {
        guard member.isExcepted else { return member.send(all) }
        for publication in publications where publication.except !== member { member.send(publication.frame) }
    }
}

/// Where a connection stands in a topic.
struct Subscription {
    let topic: TopicPart
    var place: Int
}

extension Gateway {
    /// A topic without members.
    public func makeTopic() -> Topic { Topic(loops) }

    /// Adds a connection to a topic; nothing happens if it is not connected. Not to be repeated before it was removed.
    ///
    /// What is published after this returned reaches it, and nothing published before does.
    public func subscribe(_ id: ConnectionID, to topic: Topic) {
        guard let connection = directory[id] else { return }
        let part = topic.parts[connection.members.index]
        part.count.add(1, ordering: .relaxed)
        let isTaken = connection.loop.execute {
            if connection.isEnded { part.count.subtract(1, ordering: .relaxed) } else { part.insert(connection) }
        }
        if !isTaken { part.count.subtract(1, ordering: .relaxed) }
    }

    /// Takes a connection out of a topic, in which it may not be.
    public func unsubscribe(_ id: ConnectionID, from topic: Topic) {
        // One that has ended has left its topics itself.
        guard let connection = directory[id] else { return }
        connection.loop.execute { topic.parts[connection.members.index].remove(connection) }
    }

    /// Queues one text frame to every member of a topic but one. Never waits.
    ///
    /// Of two frames the one whose call returned first arrives first, whichever threads they came from.
    /// - Parameter moreFollows: another frame for the topic is about to come: this one may wait for it, up to 2 ms, and
    ///   leave with it.
    public func publish(
        _ payload: [UInt8], to topic: Topic, except id: ConnectionID?, moreFollows: Bool = false
    ) {
        guard topic.parts.contains(where: { $0.count.load(ordering: .relaxed) > 0 }) else { return }
        let except = id.flatMap { directory[$0] }
        let frame = SharedBytes(textFrame: payload)
        for part in topic.parts where part.count.load(ordering: .relaxed) > 0 {
            part.loop.execute { part.publish(frame, except: except?.loop === part.loop ? except : nil, moreFollows: moreFollows) }
        }
    }

    /// Runs `body`, which hands over several things to the gateway's loops: they are woken once, after it.
    public static func gatheringWakeUps(_ body: () -> Void) { WakeUps.gather(body) }
}
