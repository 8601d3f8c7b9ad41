import ChatModel
import ChatStore

extension Witness {
    /// `$connect` was answered.
    func connected(_ socket: Socket, _ status: Int, _ invocation: Invocation) {
        guard !isBroken else { return }
        switch status {
        case 200: if connections[socket.id] == nil { fail(.storedBeforeAck, "\(socket.id) is let in and is not stored") }
        case 429:
            let user = connections.values.filter { $0.tenant == socket.device.tenant && $0.user == socket.device.user }
            // Whoever is counted and dead may be counted until the sweep.
            if user.count(where: { !$0.isDeleted || ($0.endedTime ?? 0) >= invocation.startedAt }) < scenario.settings.connectionsPerUser, invocation.isClean {
                fail(.rightAnswer, "\(socket.id) is refused as one too many at \(executor.now), and is not")
            }
        case 401 where isRefused(socket.device, socket.tokenIssuedAt): break
        default: mustHaveSuffered(invocation, "\(socket.id) is refused with \(status)")
        }
    }

    /// A function answered what no client asked.
    func answeredWithoutRequest(_ status: Int, _ invocation: Invocation) {
        if status != 200 { mustHaveSuffered(invocation, "status \(status)") }
    }

    func published(_ saying: Saying, _ answer: [UInt8]?, _ status: Int?, _ invocation: Invocation) {
        guard !isBroken else { return }
        guard let answer, status == 200 else { return mustHaveSuffered(invocation, "\(saying.body) fails with \(status ?? 0)") }
        acknowledged(saying, Frame(answer), invocation)
    }

    /// A frame was answered: the answer is about to leave.
    func answered(_ request: Request, _ answer: [UInt8]?, _ status: Int?, _ invocation: Invocation) {
        guard !isBroken else { return }
        guard let answer, status == 200 else { return mustHaveSuffered(invocation, "a frame fails with \(status ?? 0)") }
        let frame = Frame(answer)
        if frame.int("requestId") != Int64(request.number) { fail(.rightAnswer, "an answer to another request: \(frame)") }
        request.answer = frame.code ?? frame.type
        if frame.type == "error" { return refused(request, frame, invocation) }
        checkAlive(request, frame, invocation)
        switch (request.kind, frame.type) {
        case (.join(let room, let since, let epoch), "joined"): joined(request, room, since, epoch, frame, invocation)
        case (.leave(let room), "left"): left(request, room, invocation)
        case (.send(let saying), "ack"): acknowledged(saying, frame, invocation)
        case (.heartbeat(let rooms), "heartbeat"): beat(request, rooms, frame, invocation)
        case (.refresh(let end), "refreshed"):
            if request.isRefusedToken { fail(.kickedStaysOut, "\(request.socket.id) is extended by a token that was refused before") }
            if connections[request.socket.id]?.tokenEnds.contains(end) == false { fail(.leaseBounded, "\(request.socket.id): a token up to \(end) is acknowledged and ignored") }
        case (.online(let room, let limit, let next), "online"): online(request, room, limit, next, frame, invocation)
        case (.history(let target, let after, let before, let limit), "history"):
            history(request, target, after, before, limit, frame, invocation)
        default: fail(.rightAnswer, "\(request.text) is answered by \(frame)")
        }
    }

    /// An event's work is over, or its instance died.
    func finished(_ request: Request?, _ invocation: Invocation) {
        guard !isBroken else { return }
        if let request {
            judgeRenewal(request, invocation)
            judgeTokenEnd(request, invocation)
        }
        judgePresence(of: invocation)
        judgeMessages(of: invocation)
    }

    func room(_ request: Request, _ name: String) -> String { "ROOM#\(request.socket.device.tenant)#\(name)" }

    // MARK: - Refusals

    private func refused(_ request: Request, _ frame: Frame, _ invocation: Invocation) {
        let truth = connections[request.socket.id]
        let slack = Int64(scenario.skew)
        let start = InstanceClock.start.milliseconds + invocation.startedAt
        if [.bad, .refused].contains(Harm(request, frame)), let commit = changed[invocation.number] {
            fail(.badFrameChangesNothing, "\(request.text) is refused with \(frame.code ?? "") and writes \(commit)")
        }
        switch frame.code {
        case "internal": mustHaveSuffered(invocation, "\(request.text) is answered with internal")
        case "gone":
            let isGone = truth.map { $0.ended != nil || $0.isDeleted || $0.expiresAt * 1000 <= wallClock + slack } ?? true
            let wasShort = truth.map { $0.leases.contains { $0.end * 1000 <= wallClock + slack } } ?? true
            if let truth, truth.endedOrder == nil, truth.leases.last!.time < invocation.startedAt, truth.tokenExpiresAt * 1000 <= start - slack {
                fail(.rightAnswer, "\(request.socket.id) is told to be gone, and its token is over")
            }
            if !isGone, !wasShort { fail(.leaseKept, "\(request.socket.id) is told to be gone, and is not") }
        case "token_expired":
            if let truth, truth.tokenExpiresAt * 1000 > wallClock + slack, !truth.leases.contains(where: { $0.end * 1000 <= wallClock + slack }) {
                fail(.rightAnswer, "\(request.socket.id) is told that its token is over, and it is not")
            }
        case "not_joined":
            let partition: String? =
                switch request.kind {
                case .send(let saying): self.partition(of: saying)
                case .online(let name?, _, _): room(request, name)
                case .history(.room(let name), _, _, _): room(request, name)
                default: nil
                }
            if let partition, let since = rooms[partition]?.members[request.socket.id], since <= invocation.startOrder {
                fail(.memberMissing, "\(request.socket.id) is told not to be in \(partition), and is since before")
            }
        case "forbidden":
            switch request.kind {
            case .join(let name, _, _) where !request.socket.device.mayJoin(name): break
            case .send(let saying) where saying.target == .everyone && !request.socket.device.maySpeakToEveryone: break
            default: fail(.rightAnswer, "\(request.text) is forbidden")
            }
        case "unauthorized":
            if isRefused(request.socket.device, request.tokenIssuedAt) { break }
            guard case .refresh(let end) = request.kind, end * 1000 <= start + 40_000 else {
                return fail(.rightAnswer, "\(request.text) is answered with unauthorized")
            }
        case "bad_request":
            guard case .bad = request.kind else { return fail(.rightAnswer, "\(request.text) is answered by \(frame)") }
        default: fail(.rightAnswer, "\(request.text) is answered by \(frame)")
        }
    }

    /// Who is answered otherwise is neither ended nor over.
    private func checkAlive(_ request: Request, _ frame: Frame, _ invocation: Invocation) {
        guard let truth = connections[request.socket.id] else {
            return fail(.goneStaysGone, "\(request.socket.id) does not exist and is answered by \(frame)")
        }
        let start = InstanceClock.start.milliseconds + invocation.startedAt - Int64(scenario.skew)
        if let ended = truth.endedOrder, ended <= invocation.startOrder {
            fail(.goneStaysGone, "\(truth.id) had ended and is answered by \(frame)")
        }
        if truth.leases.allSatisfy({ $0.end * 1000 <= start }) {
            fail(.goneStaysGone, "the lease of \(truth.id) was over and it is answered by \(frame)")
        }
    }

    // MARK: - Joins, leaves, heartbeats

    private func joined(
        _ request: Request, _ name: String, _ since: Int64?, _ epoch: String?, _ frame: Frame, _ invocation: Invocation
    ) {
        let partition = room(request, name), id = request.socket.id
        guard let stream = streams[partition], let seq = frame.int("seq"), seq <= stream.messages.count else {
            return fail(.rightAnswer, "\(request.text) is answered by \(frame)")
        }
        if frame.string("epoch") != stream.epoch { fail(.rightAnswer, "\(name) has the epoch \(stream.epoch ?? ""): \(frame)") }
        let room = rooms[partition] ?? RoomTruth()
        guard room.members[id] != nil || room.left[id].map({ $0 > invocation.startOrder }) == true else {
            return fail(.memberMissing, "\(id) is told that it joined \(partition), and is not there")
        }
        if !request.socket.device.mayJoin(name) { fail(.refusedWhereDue, "the token of \(id) does not allow \(name)") }
        if let joined = room.members[id], seq < stream.seq(at: joined) {
            fail(.memberMissesNothing, "\(id) joined \(partition) when \(stream.seq(at: joined)) was the newest, and is told \(seq)")
        }
        if seq < stream.seq(at: invocation.startOrder) { fail(.memberMissesNothing, "\(id) is told that \(seq) is the newest of \(partition)") }
        checkRoster(partition, room, frame, invocation)
        if let since { recovery(partition, stream, since, epoch, seq, frame) }
    }

    private func checkRoster(_ partition: String, _ room: RoomTruth, _ frame: Frame, _ invocation: Invocation) {
        let listed = frame.strings("members", of: "userId")
        if listed != listed.sorted(by: { bytesPrecede($0, $1) }) || Set(listed).count != listed.count || Int64(listed.count) != frame.int("memberCount") {
            fail(.rightAnswer, "the members of \(partition) are out of order: \(listed)")
        }
        for (user, truth) in room.users.sorted(by: { $0.key < $1.key }) where truth.since <= invocation.startOrder {
            if truth.connections.isEmpty == listed.contains(user) {
                fail(.memberMissing, "\(user) is \(truth.connections.isEmpty ? "not " : "")in \(partition) since before, and the members are \(listed)")
            }
        }
        for user in listed where room.users[user] == nil { fail(.tenantIsolated, "\(user) was never in \(partition) and is listed") }
    }

    private func recovery(_ partition: String, _ stream: StreamTruth, _ since: Int64, _ epoch: String?, _ seq: Int64, _ frame: Frame) {
        let missed = frame.list("missed").compactMap { $0["messageId"]?.string }
        let isSame = epoch == nil || epoch == stream.epoch
        let gap = since < seq && isSame ? stream.messages[Int(since)..<Int(seq)] : []
        let isWhole = missed.count >= gap.count && zip(gap, missed).allSatisfy { $0.id == $1 }
        if frame.bool("recovered") == true {
            if !isSame || since > seq || !isWhole {
                fail(.recoveredWhole, "\(partition) since \(since) of \(seq) is said to be recovered with \(frame.seqs("missed"))")
            }
        } else if isSame, since <= seq, gap.allSatisfy({ $0.expiresAt == nil }), mayFit(stream.messages.count - Int(since)) {
            // What was said since the head was read is read with the gap, and takes room from it.
            fail(.recoveredWhole, "\(partition) since \(since) of \(seq) is there and is not recovered")
        }
    }

    private func left(_ request: Request, _ name: String, _ invocation: Invocation) {
        if let since = rooms[room(request, name)]?.members[request.socket.id], since <= invocation.startOrder {
            fail(.leftIsOut, "\(request.socket.id) is told that it left \(name), and is there")
        }
    }

    private func beat(_ request: Request, _ wantsRooms: Bool, _ frame: Frame, _ invocation: Invocation) {
        guard let truth = connections[request.socket.id] else { return }
        if !isFresh(truth, invocation), truth.ended == nil {
            fail(.leaseKept, "the lease of \(truth.id) is not begun anew by a heartbeat: \(frame)")
        }
        guard wantsRooms else { return }
        for member in frame["rooms"]?.object?.members ?? [] {
            let stream = streams[room(request, member.name)] ?? StreamTruth()
            guard let seq = member.value.int64, seq >= stream.seq(at: invocation.startOrder), seq <= stream.messages.count else {
                return fail(.historyExact, "\(member.name) is at \(stream.messages.count): \(frame)")
            }
        }
    }
}

/// What a refusal says of a frame.
private enum Harm {
    case bad, refused, other

    init(_ request: Request, _ frame: Frame) {
        if case .bad = request.kind { self = .bad } else { self = frame.code == "forbidden" || frame.code == "not_joined" ? .refused : .other }
    }
}
