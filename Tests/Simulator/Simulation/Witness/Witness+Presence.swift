import ChatModel
import ChatStore

extension Witness {
    func member(_ partition: String, _ id: String, _ change: ItemChange) {
        guard let item = change.new ?? change.old, let user = item.string("userId") else { return }
        touched.presence.append((partition, user))
        if change.new == nil {
            rooms[partition]?.members[id] = nil
            rooms[partition]?.left[id] = order
            connections[id]?.rooms.remove(partition)
            return
        }
        guard change.old == nil else { return }
        rooms[partition, default: RoomTruth()].members[id] = order
        rooms[partition]?.left[id] = nil
        guard let truth = connections[id], !truth.isDeleted else {
            return fail(.neverResurrected, "\(id) joins \(partition) and is not there")
        }
        truth.rooms.insert(partition)
        if truth.ended != nil { fail(.neverResurrected, "\(id) joins \(partition) after its end") }
        if let invocation = touched.invocation,
            truth.expiresAt * 1000 <= InstanceClock.start.milliseconds + invocation.startedAt - Int64(scenario.skew)
        {
            fail(.neverResurrected, "\(id) joins \(partition) after its lease was over")
        }
        if partition != "ROOM#\(truth.tenant)#" + (partition.split(separator: "#").last ?? "") {
            fail(.tenantIsolated, "\(id) of \(truth.tenant) joins \(partition)")
        }
    }

    func presence(_ partition: String, _ change: ItemChange) {
        guard let item = change.new ?? change.old, let user = item.string("userId") else { return }
        touched.presence.append((partition, user))
        var truth = rooms[partition]?.users[user] ?? PresenceTruth()
        let connections = change.new?.strings("connections") ?? []
        let version = change.new?.number("version") ?? truth.version
        if version != truth.version || connections.isEmpty != truth.connections.isEmpty {
            if version <= truth.version { fail(.presenceAlternates, "\(user) in \(partition): version \(version) after \(truth.version)") }
            if connections.isEmpty == truth.connections.isEmpty {
                fail(.presenceAlternates, "\(user) in \(partition): \(connections.isEmpty ? "leave" : "join") twice, version \(version)")
            }
            decide(partition, user, version, connections, change.new, &truth)
        }
        truth.connections = connections
        truth.version = version
        truth.isPending = change.new?["pending"] != nil
        if !isServer, change.old?["pending"] != nil, change.new?["pending"] == nil, let decision = truth.decision {
            judge(decision, "when its mark is taken away")
        }
        rooms[partition, default: RoomTruth()].users[user] = truth
    }

    private func decide(
        _ partition: String, _ user: String, _ version: Int64, _ connections: Set<String>, _ item: Item?, _ truth: inout PresenceTruth
    ) {
        let decision = Decision(
            room: partition, user: user, version: version, isJoin: !connections.isEmpty,
            reason: connections.isEmpty ? item?.string("reason") : nil, order: order, time: executor.now, invocation: touched.invocation)
        // Whoever this event is about is not told by it: the connections that are in now, or were until now.
        let concerned = connections.union(truth.connections)
        decision.causes = concerned
        decision.audience = rooms[partition]?.members.filter { !concerned.contains($0.key) } ?? [:]
        truth.decision?.isSettled = true
        truth.decision = decision
        truth.since = order
        decisions["\(partition)#\(user)#\(version)"] = decision
        open.append(decision)
    }

    /// A user is in the room exactly while one of the user's connections is.
    func check(_ room: String, _ user: String) {
        guard let truth = rooms[room] else { return }
        let members = Set(truth.members.keys.filter { connections[$0]?.user == user })
        let counted = truth.users[user]?.connections ?? []
        if members != counted {
            fail(.presenceIsMembership, "\(user) in \(room) counts \(counted.sorted()), members are \(members.sorted())")
        }
        guard !isServer, let presence = truth.users[user], let decision = presence.decision else { return }
        // Where the mark is not written at once, it is missing until somebody comes by the row.
        guard presence.isPending || decision.order == order && !decision.isSettled else { return }
        let reminders = due[presenceKey(room, user)] ?? [:]
        if !reminders.values.contains(where: { $0.version == decision.version && $0.minute >= sweptMinute }) {
            fail(.wheelReaches, "no sweep will come by version \(decision.version) of \(user) in \(room)")
        }
    }

    private func presenceKey(_ room: String, _ user: String) -> Key {
        let parts = room.split(separator: "#")
        guard parts.count == 3, let tenant = TenantID(String(parts[1])), let id = RoomID(String(parts[2])), let user = UserID(user) else {
            return Key(room, user)
        }
        return Keys.presence(Room(tenant, id), user)
    }

    /// Whether everyone was told who was in the room all the time.
    func judge(_ decision: Decision, _ when: @autoclosure () -> String) {
        guard !decision.isSettled else { return }
        decision.isSettled = true
        // Nobody was there to decide when a server starts, and nobody to be told.
        guard decision.invocation != nil else { return }
        let room = rooms[decision.room]
        for (id, since) in decision.audience.sorted(by: { $0.key < $1.key }) {
            guard room?.members[id] == since, let truth = connections[id], truth.ended == nil, !truth.isDeleted else { continue }
            if !decision.tried.contains(id) {
                return fail(
                    .presencePublished,
                    "\(decision.isJoin ? "join" : "leave") of \(decision.user) in \(decision.room), version \(decision.version), is not told to \(id) \(when())")
            }
        }
    }

    /// An event's work is over.
    func judgePresence(of invocation: Invocation) {
        guard invocation.isClean else { return }
        for decision in open where decision.invocation === invocation { judge(decision, "by \(invocation.name)") }
    }

    func publishing(_ decision: Decision, by invocation: Invocation?) {
        guard let invocation else { return }
        if let earlier = decision.publishers.first(where: { $0 !== invocation && $0.isClean }) {
            fail(.presenceOnce, "version \(decision.version) of \(decision.user) in \(decision.room) is told by \(earlier.name) and by \(invocation.name)")
        }
        decision.publishers.append(invocation)
    }
}
