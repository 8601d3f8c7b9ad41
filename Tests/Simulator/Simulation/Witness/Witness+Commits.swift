import ChatModel
import ChatStore

extension Witness {
    /// Called with what a write changed, before its writer is answered.
    func committed(_ changes: [ItemChange], by invocation: Invocation?) {
        guard !isBroken else { return }
        next()
        touched = Touched(invocation: invocation)
        trace.note { "    \(invocation?.name ?? "-") commits " + changes.map { Witness.describe($0) }.joined(separator: "; ") }
        for change in changes {
            guard let item = change.new ?? change.old else { continue }
            switch Row(item.key) {
            case .connection(let id): connection(id, change)
            case .member(let partition, let id): member(partition, id, change)
            case .presence(let partition): presence(partition, change)
            case .head(let partition): head(partition, change)
            case .message(let partition): message(partition, change)
            case .user: user(change)
            case .lease(let minute, let id): lease(minute, id, change)
            case .due(let minute): dueRow(minute, change)
            case .sweep: sweep(change)
            case .other: break
            }
        }
        if let invocation, changes.contains(where: { !isOwnLease($0, invocation) }) {
            changed[invocation.number] = changes.compactMap { ($0.new ?? $0.old)?.key.short }.joined(separator: ", ")
        }
        for id in touched.connections.sorted() { check(id) }
        for (room, user) in touched.presence { check(room, user) }
        checkHeads()
    }

    /// Any frame may begin its connection's lease anew.
    private func isOwnLease(_ change: ItemChange, _ invocation: Invocation) -> Bool {
        guard let new = change.new, let old = change.old, case .connection(let id) = Row(new.key), id == invocation.connection else { return false }
        return old["rooms"] == new["rooms"] && old["ended"] == new["ended"]
    }

    private static func describe(_ change: ItemChange) -> String {
        guard let new = change.new else { return "-\(change.old?.key.short ?? "")" }
        guard let old = change.old else { return "+\(new.key.short)" }
        let names = Set(old.attributes.map(\.name) + new.attributes.map(\.name)).sorted()
        let changed = names.filter { old[$0] != new[$0] }.map { "\($0)=\(text(new[$0]))" }
        return "\(new.key.short) {\(changed.joined(separator: ", "))}"
    }

    private static func text(_ value: AttributeValue?) -> String {
        switch value {
        case nil: "-"
        case .string(let text): text
        case .number(let number): String(number)
        case .strings(let members): "[\(members.sorted().joined(separator: " "))]"
        }
    }

    // MARK: - Connections

    private func connection(_ id: String, _ change: ItemChange) {
        touched.connections.insert(id)
        guard let new = change.new else {
            guard let truth = connections[id] else { return }
            truth.isDeleted = true
            if truth.endedOrder == nil { (truth.endedOrder, truth.endedTime) = (order, executor.now) }
            if change.old?["ended"] != nil, !truth.rooms.isEmpty, touched.invocation != nil {
                fail(.noOrphans, "\(id) is deleted while it is in \(truth.rooms.sorted())")
            }
            return
        }
        guard let old = change.old else {
            if connections[id]?.isDeleted == true { return fail(.neverResurrected, "\(id) is there again after its end") }
            let truth = ConnectionTruth(new, order: order, time: executor.now)
            truth.wheel = connections[id]?.wheel ?? []
            connections[id] = truth
            if isRefused(truth) { fail(.kickedStaysOut, "\(id) is opened by a token that is refused") }
            return bound(truth)
        }
        guard let truth = connections[id] else { return }
        renewed(truth, old, new)
        // Its end deletes the row that it notes; another, which comes up before, would be left.
        if let noted = new.number("wheelMinute"), noted > truth.expiresAt / 60, new["ended"] == nil {
            fail(.wheelReaches, "\(id) notes a row in \(noted), and its lease ends in \(truth.expiresAt / 60)")
        }
        if old["ended"] == nil, let reason = new.string("ended") { ended(truth, reason) }
    }

    private func renewed(_ truth: ConnectionTruth, _ old: Item, _ new: Item) {
        let end = new.number("expiresAt") ?? 0
        truth.tokenExpiresAt = new.number("tokenExpiresAt") ?? 0
        guard end != truth.expiresAt || new.number("lastSeen") != old.number("lastSeen") else {
            if old["ended"] != nil, new["ended"] == nil { fail(.neverResurrected, "\(truth.id) is no longer ended") }
            return
        }
        if old["ended"] != nil { fail(.neverResurrected, "the lease of \(truth.id) is begun anew after its end") }
        if end > truth.expiresAt, let invocation = touched.invocation,
            InstanceClock.start.milliseconds + invocation.startedAt - Int64(scenario.skew) >= truth.expiresAt * 1000
        {
            fail(.neverResurrected, "the lease of \(truth.id) is begun anew after it was over")
        }
        truth.expiresAt = end
        truth.leases.append((executor.now, end, new.number("lastSeen") ?? 0))
        bound(truth)
    }

    private func bound(_ truth: ConnectionTruth) {
        let most = wallClock + scenario.settings.presenceTTL.milliseconds + 500 + Int64(scenario.skew)
        if truth.expiresAt * 1000 > most { fail(.leaseBounded, "the lease of \(truth.id) ends \(truth.expiresAt * 1000 - most) ms too late") }
        if truth.expiresAt > truth.tokenExpiresAt { fail(.leaseBounded, "the lease of \(truth.id) outlives its token") }
    }

    private func ended(_ truth: ConnectionTruth, _ reason: String) {
        (truth.ended, truth.endedOrder, truth.endedTime) = (reason, order, executor.now)
        let slack = Int64(scenario.skew)
        let state = socket(truth.id)?.state
        switch reason {
        case "expired":
            // A server that starts ends whom the last one left.
            if touched.invocation != nil, truth.expiresAt * 1000 > wallClock + slack {
                fail(.leaseKept, "\(truth.id) is ended as expired \(truth.expiresAt * 1000 - wallClock) ms before its lease is")
            }
        case "stale":
            if truth.connectedAt + Limits.connectGrace.milliseconds > wallClock + 2 * slack { fail(.youngSurvives, "\(truth.id) is ended as stale while it is young") }
            if state == .open { fail(.leaseKept, "\(truth.id) is ended as stale, and its socket is open") }
        default:
            if touched.invocation?.function == "Kick" { break }
            if state == .open { fail(.leaseKept, "\(truth.id) is ended as \(reason), and its socket is open") }
        }
    }

    private func user(_ change: ItemChange) {
        guard let key = (change.new ?? change.old)?.key else { return }
        let before = counted[key.pk] ?? []
        refused(key.pk, change)
        let now = change.new?.strings("connections") ?? []
        counted[key.pk] = now
        touched.connections.formUnion(before.symmetricDifference(now))
        if now.count > scenario.settings.connectionsPerUser, now.count > before.count {
            fail(.capHolds, "\(key.pk) has \(now.count) connections, of \(scenario.settings.connectionsPerUser) allowed")
        }
    }

    // MARK: - What is due

    private func lease(_ minute: Int64, _ id: String, _ change: ItemChange) {
        count(change)
        touched.connections.insert(id)
        connections[id]?.wheelOrder = order
        if change.new != nil { connections[id]?.wheel.insert(minute) } else { connections[id]?.wheel.remove(minute) }
        if connections[id] == nil, change.new != nil { pendingWheel[id, default: []].insert(minute) }
    }

    private func dueRow(_ minute: Int64, _ change: ItemChange) {
        reminders[minute, default: 0] += count(change)
        guard let item = change.new ?? change.old, let tenant = item.string("tenantId").flatMap({ TenantID($0) }),
            let room = item.string("roomId").flatMap({ RoomID($0) }), let user = item.string("userId").flatMap({ UserID($0) })
        else { return }
        let key = Keys.presence(Room(tenant, room), user)
        if change.new == nil { touched.presence.append((Keys.roomPartition(Room(tenant, room)), user.text)) }
        due[key, default: [:]][item.key] = change.new?.number("version").map { (minute, $0) }
    }

    /// - Returns: how many rows more there are.
    @discardableResult
    private func count(_ change: ItemChange) -> Int {
        guard let key = (change.new ?? change.old)?.key, (change.old == nil) != (change.new == nil) else { return 0 }
        let difference = change.new == nil ? -1 : 1
        buckets[key.pk, default: 0] += difference
        return difference
    }

    private func sweep(_ change: ItemChange) {
        guard let minute = change.new?.number("minute") else { return }
        sweptMinute = minute
        for connection in connections.values where !connection.isDeleted || !connection.rooms.isEmpty { touched.connections.insert(connection.id) }
    }

    // MARK: - What depends on each other

    /// A connection is counted among its user's, and the sweep will come by it in time.
    private func check(_ id: String) {
        guard let truth = connections[id] else { return }
        if let waiting = pendingWheel.removeValue(forKey: id) { truth.wheel.formUnion(waiting) }
        guard !truth.isDeleted || !truth.rooms.isEmpty else { return }
        // The server ends everyone at its start, and begins to sweep then.
        guard touched.invocation != nil || !isServer else { return }
        let last = truth.isDeleted || truth.ended != nil ? Int64.max : truth.expiresAt / 60
        if !truth.wheel.contains(where: { $0 >= sweptMinute && $0 <= last }) {
            fail(.wheelReaches, "no sweep will come by \(id): rows in \(truth.wheel.sorted()), swept up to \(sweptMinute), lease to \(last)")
        }
        if !truth.isDeleted, let tenant = TenantID(truth.tenant), let user = UserID(truth.user),
            counted[Keys.user(User(tenant, user)).pk]?.contains(id) != true
        {
            fail(.capHolds, "\(id) is not counted among its user's connections")
        }
    }
}
