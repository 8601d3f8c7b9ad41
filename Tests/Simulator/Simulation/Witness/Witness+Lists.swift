import ChatModel
import ChatStore
import JSONCoding

extension Witness {
    /// A page of history is what it is, with everything from before the question in it.
    func history(
        _ request: Request, _ target: Saying.Target, _ after: Int64?, _ before: Int64?, _ limit: Int, _ frame: Frame,
        _ invocation: Invocation
    ) {
        let device = request.socket.device
        let asked = Saying(body: "", tenant: device.tenant, sender: device.user, target: target, clientMessageID: nil)
        guard let partition = partition(of: asked) else { return }
        if case .room = target { mustBeMember(request.socket.id, partition, invocation) }
        let stream = streams[partition] ?? StreamTruth()
        let page = frame.list("messages")
        let seqs = frame.seqs("messages")
        for (entry, seq) in zip(page, seqs) {
            guard let message = stream.messages.at(seq), entry["messageId"]?.string == message.id, entry["body"]?.string == message.body,
                entry["senderId"]?.string == message.sender
            else { return fail(.historyExact, "\(partition): \(frame)") }
        }
        // Where messages age out, what is left may have any holes.
        guard scenario.settings.historyTTL == nil else {
            if zip(seqs, seqs.dropFirst()).contains(where: { $0 >= $1 }) { fail(.historyExact, "\(partition) is out of order: \(frame)") }
            return
        }
        let known = stream.seq(at: invocation.startOrder)
        let newest = max(known, min(seqs.last ?? 0, Int64(stream.messages.count)))
        func slice(_ newest: Int64) -> [Int64] {
            let all = Array((after ?? 0) + 1..<max((after ?? 0) + 1, min(before ?? .max, newest + 1)))
            return after != nil ? Array(all.prefix(limit)) : Array(all.suffix(limit))
        }
        if seqs != slice(newest), !isCut(seqs, of: slice(newest), after != nil, frame) { fail(.historyExact, "\(partition) has \(known) to \(stream.messages.count) messages: \(seqs) of \(request.text)") }
        let isMore = after != nil ? (seqs.last ?? after ?? 0) < newest && seqs.count == limit : (seqs.first ?? 1) > 1
        if isMore, frame.bool("more") != true { fail(.historyExact, "there is more: \(frame)") }
    }

    /// Who is listed as online is, and who is online is listed.
    func online(_ request: Request, _ name: String?, _ limit: Int, _ next: String?, _ frame: Frame, _ invocation: Invocation) {
        let tenant = request.socket.device.tenant
        let slack = Int64(scenario.skew) + 1
        let (start, end) = (invocation.startedAt - slack, executor.now + slack)
        let partition = name.map { room(request, $0) }
        if let partition { mustBeMember(request.socket.id, partition, invocation) }
        // An index knows what it had caught up with; a room is read strongly.
        let known = partition == nil && scenario.lag > 0 ? min(start, lastUnsettled(before: invocation.startedAt)) : start
        let listed = frame.strings("users", of: "userId")
        if zip(listed, listed.dropFirst()).contains(where: { !bytesPrecede($0, $1) }) || listed.count > limit {
            return fail(.onlineIsLive, "not in order, twice, or too many: \(listed)")
        }
        for user in frame.list("users") {
            let theirs = connections.values.filter { $0.tenant == tenant && $0.user == user["userId"]?.string }
            if theirs.isEmpty { return fail(.tenantIsolated, "\(user) is nobody of \(tenant)") }
            let most = theirs.count { $0.wasLive(from: start, to: end) && (partition == nil || wasMember($0.id, partition!, invocation)) }
            if most == 0 || user["connections"]?.int64 ?? 0 > Int64(most) {
                return fail(.onlineIsLive, "\(user["userId"]?.string ?? "") has \(most) connections\(name.map { " in \($0)" } ?? ""): \(frame)")
            }
            let surely = theirs.filter {
                $0.isLive(from: known, to: end) && (partition == nil || rooms[partition!]?.members[$0.id].map { $0 <= invocation.startOrder } == true)
            }
            checkSeen(user, surely, theirs, invocation)
        }
        let isPage = frame["next"] != nil
        for connection in connections.values.sorted(by: { $0.id < $1.id })
        where connection.tenant == tenant && connection.isLive(from: known, to: end) && !listed.contains(connection.user) {
            if let partition, rooms[partition]?.members[connection.id].map({ $0 <= invocation.startOrder }) != true { continue }
            if isPage, let last = listed.last, bytesPrecede(last, connection.user) { continue }
            return fail(.onlineIsLive, "\(connection.user) is online by \(connection.id)\(name.map { " in \($0)" } ?? ""): \(frame)")
        }
    }

    /// A user was last seen by the connection that was heard of last.
    private func checkSeen(_ user: JSONObject, _ surely: [ConnectionTruth], _ perhaps: [ConnectionTruth], _ invocation: Invocation) {
        func text(_ time: Int64?) -> String? { time.map { "\(Timestamp(milliseconds: $0))" } }
        let least = text(surely.map { $0.seen(from: invocation.startedAt, to: executor.now).lowerBound }.max())
        let most = text(perhaps.map { $0.seen(from: invocation.startedAt, to: executor.now).upperBound }.max())
        guard let seen = user["lastSeen"]?.string, seen >= least ?? seen, seen <= most ?? seen else {
            return fail(.onlineIsLive, "\(user["userId"]?.string ?? "") was seen from \(least ?? "-") to \(most ?? "-"), not \(user["lastSeen"]?.string ?? "-")")
        }
    }

    /// Whether a page is no longer because the frame is full.
    private func isCut(_ seqs: [Int64], of all: [Int64], _ fromOldest: Bool, _ frame: Frame) -> Bool {
        guard frame.bool("more") == true, !seqs.isEmpty, seqs.count < all.count, !mayFit(seqs.count + 1) else { return false }
        return fromOldest ? all.starts(with: seqs) : all.reversed().starts(with: seqs.reversed())
    }

    /// Whether so many messages surely have room in a frame.
    func mayFit(_ count: Int) -> Bool { scenario.bodyBytes.map { count * ($0 + 1000) <= Limits.messageBytes } ?? true }

    /// What is told to those in a room is told to somebody who was in it while it was asked.
    func mustBeMember(_ id: String, _ partition: String, _ invocation: Invocation) {
        if !wasMember(id, partition, invocation) { fail(.refusedWhereDue, "\(id) is not in \(partition) and is served") }
    }

    private func wasMember(_ id: String, _ partition: String, _ invocation: Invocation) -> Bool {
        rooms[partition]?.members[id] != nil || rooms[partition]?.left[id].map { $0 > invocation.startOrder } == true
    }
}
