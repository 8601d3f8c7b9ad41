import WebSocketCodec

/// The end: everyone leaves but one of each room, who tells whether presence noticed.
extension LoadEngine {
    private static let closingAtOnce = 256

    func startLeaving(_ now: Int64) {
        if open == 0, !outcome.dropped.isEmpty, !isInterrupted { outcome.ending = .serverGone(lastReason) }
        nextToLeave = connections.count - 1
        if judgesPresence {
            var presence = LoadOutcome.Presence()
            presence.missingJoins = arrivals.presence.missingJoins
            presence.doubledJoins = arrivals.presence.doubledJoins
            outcome.presence = presence
        }
    }

    /// With an end that came too early, what is missing is no fault of presence.
    private var judgesPresence: Bool {
        plan.checksPresence && tellsPresence && plan.members > 1 && outcome.ending == .complete
            && outcome.failedToConnect.isEmpty
    }

    func leave(_ now: Int64) {
        let last = judgesPresence ? plan.rooms : 0
        while nextToLeave >= last, closing < Self.closingAtOnce, leavingTime(nextToLeave) <= now || isInterrupted {
            let connection = connection(inOrder: nextToLeave)
            nextToLeave -= 1
            if connection.stage == .joined { close(connection, now) }
        }
        guard nextToLeave < last, closing == 0 else { return }
        guard judgesPresence, open > 0 else { return enter(.over, at: now) }
        guard now >= nextLook else { return }
        nextLook = now + Self.second / 10
        let missing = arrivals.presence.missingLeaves
        let present = ghosts.reduce(0) { $0 + max(0, $1) }
        if isStuck(at: missing + present, now) || missing == 0 && ghosts.allSatisfy({ $0 == 0 }) {
            judge(now)
        } else {
            askEveryone(now)
        }
    }

    private func leavingTime(_ order: Int) -> Int64 {
        phaseStart + Int64(Double(connections.count - 1 - order) * plan.rampSeconds * 1e9 / Double(connections.count))
    }

    func close(_ connection: Connection, _ now: Int64) {
        arrivals.ledger.ended(connection.index, at: now)
        arrivals.presence.left(connection.index)
        open -= 1
        closing += 1
        connection.stage = .closing
        connection.since = now
        write(FrameEncoder.close(.normal, mask: masks.next()), to: connection)
    }

    /// Asks the observer of each room that may still have ghosts, twice a second.
    private func askEveryone(_ now: Int64) {
        for room in 0..<plan.rooms where ghosts[room] != 0 && now - asked[room] >= Self.second / 2 {
            let observer = connections[room * plan.members]
            guard observer.stage == .joined, let question = dialect.online(observer.index) else {
                ghosts[room] = 0
                continue
            }
            asked[room] = now
            send(question, to: observer)
        }
    }

    func heardOnline(_ connection: Connection, _ members: Int, _ more: Bool) {
        // Itself is none.
        ghosts[connection.index / plan.members] = max(0, members - 1) + (more ? 1 : 0)
    }

    private func judge(_ now: Int64) {
        outcome.presence?.missingLeaves = arrivals.presence.missingLeaves
        outcome.presence?.doubledLeaves = arrivals.presence.doubledLeaves
        outcome.presence?.falseLeaves = arrivals.presence.falseLeaves
        // Who did not answer at all reported nobody.
        outcome.presence?.ghosts = ghosts.reduce(0) { $0 + max(0, $1) }
        for room in 0..<plan.rooms where connections[room * plan.members].stage == .joined {
            close(connections[room * plan.members], now)
        }
        enter(.over, at: now)
    }
}
