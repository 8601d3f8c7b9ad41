import ChatModel
import ChatWire

/// A frame on its way to some connections, understood.
final class Publication {
    enum Content {
        case message(String)
        case everyone(String)
        case presence(room: String, user: String, version: Int64, isJoin: Bool, reason: String?)
        case unknown
    }

    let content: Content
    let invocation: Invocation?
    /// What comes from the queue was judged when the queue took it.
    let isOutOfQueue: Bool
    /// Whom it goes to, in this one fan-out.
    fileprivate(set) var tried: Set<String> = []

    init(_ bytes: [UInt8], _ invocation: Invocation?, isOutOfQueue: Bool) {
        self.isOutOfQueue = isOutOfQueue
        self.invocation = invocation
        let frame = Frame(bytes)
        switch frame.type {
        case "message":
            let body = frame.string("body") ?? ""
            content = frame.bool("everyone") == true ? .everyone(body) : .message(frame.string("messageId") ?? "")
        case "presence":
            content = .presence(
                room: frame.string("roomId") ?? "", user: frame.string("userId") ?? "", version: frame.int("version") ?? 0,
                isJoin: frame.string("event") == "join", reason: frame.string("reason"))
        default: content = .unknown
        }
    }
}

extension Witness {
    /// Somebody begins to post.
    func publishing(_ bytes: [UInt8], by invocation: Invocation?, isOutOfQueue: Bool = false) -> Publication {
        Publication(bytes, invocation, isOutOfQueue: isOutOfQueue)
    }

    /// A connection is tried with a frame, or a durable queue has taken it for the connection.
    func tried(_ id: String, _ publication: Publication) {
        guard !isBroken, let device = socket(id)?.device else { return }
        alive(id)
        // A queue that did not answer may have taken what is then posted without it.
        let isFirst = publication.tried.insert(id).inserted || publication.invocation?.isClean == false
        switch publication.content {
        case .message(let messageID):
            guard let message = messagesByID[messageID], let saying = sayings[message.body] else {
                return fail(.onlyMembers, "\(id) is posted a message that is not stored")
            }
            concerns(id, device, message, saying)
            if publication.isOutOfQueue { return }
            if id == publication.invocation?.connection { fail(.senderExcluded, "\(message.body) is posted to \(id), which sent it") }
            if !message.tried.insert(id).inserted, publication.invocation?.isClean != false { fail(.toldOnce, "\(message.body) is posted to \(id) again") }
            inOrder(id, message)
        case .everyone(let body):
            guard let saying = sayings[body], saying.tenant == device.tenant else {
                return fail(.tenantIsolated, "\(body) is posted to \(id) of \(device.tenant)")
            }
            if publication.isOutOfQueue { return }
            if id == publication.invocation?.connection { fail(.senderExcluded, "\(body) is posted to \(id), which sent it") }
            if !announced[body, default: []].insert(id).inserted, publication.invocation?.isClean != false { fail(.toldOnce, "\(body) is posted to \(id) again") }
        case .presence(let room, let user, let version, let isJoin, let reason):
            let partition = "ROOM#\(device.tenant)#\(room)"
            guard let decision = decisions["\(partition)#\(user)#\(version)"], decision.isJoin == isJoin,
                decision.isJoin || reason != nil, isServer || decision.reason == reason
            else {
                return fail(.presenceIsTrue, "\(isJoin ? "join" : "leave") of \(user) in \(partition), version \(version), is posted and was not decided")
            }
            if !member(id, of: partition, since: decision.order) { fail(.onlyMembers, "\(id) hears of \(user) in \(partition) and is not there") }
            if decision.causes.contains(id) { fail(.senderExcluded, "\(id) is told of its own \(isJoin ? "join" : "leave") in \(partition)") }
            if publication.isOutOfQueue { return }
            if decision.publishers.last !== publication.invocation { publishing(decision, by: publication.invocation) }
            decision.tried.insert(id)
            if !isFirst { fail(.presenceOnce, "version \(version) of \(user) in \(partition) is posted to \(id) again") }
        case .unknown: fail(.onlyMembers, "an unknown frame is posted to \(id)")
        }
    }

    private func concerns(_ id: String, _ device: Device, _ message: MessageTruth, _ saying: Saying) {
        if saying.tenant != device.tenant { return fail(.tenantIsolated, "\(message.body) is posted to \(id) of \(device.tenant)") }
        switch saying.target {
        case .room:
            if !member(id, of: message.partition, since: message.order) { fail(.onlyMembers, "\(message.body) is posted to \(id), which is not in the room") }
        case .user(let user):
            if device.user == user || device.user == saying.sender { return }
            fail(.onlyMembers, "\(message.body) is posted to \(id) of \(device.user)")
        case .everyone: break
        }
    }

    /// Whether a connection was a member at any time since a commit.
    private func member(_ id: String, of partition: String, since order: Int) -> Bool {
        guard let room = rooms[partition] else { return false }
        return room.members[id] != nil || room.left[id].map { $0 >= order } ?? false
    }

    private func alive(_ id: String) {
        guard let truth = connections[id] else { return }
        let end = truth.expiresAt * 1000 - InstanceClock.start.milliseconds
        if executor.now - end > ghostBound + allowance(since: end) {
            fail(.deadNotPosted, "\(id) is posted to \((executor.now - end) / 1000) s after its lease")
        }
    }

    private func inOrder(_ id: String, _ message: MessageTruth) {
        guard isServer else { return }
        let key = "\(id) \(message.partition)"
        if let last = newest[key], message.seq < last { fail(.localOrder, "\(id) is posted \(message.seq) after \(last) of \(message.partition)") }
        newest[key] = message.seq
    }

    /// The queue took a shard: its receivers count as tried.
    func queued(_ body: String, by invocation: Invocation?) {
        guard let shard = try? FanoutShard(decoding: body) else { return fail(.rightAnswer, "the queue is given what is no shard") }
        let publication = publishing(shard.frame, by: invocation)
        for connection in shard.connections { tried(connection.text, publication) }
    }
}
