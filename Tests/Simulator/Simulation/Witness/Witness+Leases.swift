import ChatModel

/// What frames and sweeps do for leases.
extension Witness {
    /// Whether a lease ends as late as one that a frame found, or left, with three quarters of it to go.
    func isFresh(_ truth: ConnectionTruth, _ invocation: Invocation) -> Bool {
        let start = InstanceClock.start.milliseconds + invocation.startedAt - Int64(scenario.skew)
        let least = min(start + scenario.settings.presenceTTL.milliseconds * 3 / 4 - 1000, truth.tokenExpiresAt * 1000)
        // A token that became shorter meanwhile shortens the lease.
        return truth.leases.contains { $0.end * 1000 >= least }
    }

    /// A frame's work is over: whatever it asked, a lease of which a quarter was spent is begun anew.
    func judgeRenewal(_ request: Request, _ invocation: Invocation) {
        guard invocation.isClean, let answer = request.answer, !["gone", "token_expired", "internal"].contains(answer),
            let truth = connections[request.socket.id]
        else { return }
        guard truth.ended == nil, !truth.isDeleted, truth.expiresAt * 1000 > wallClock + Int64(scenario.skew) else { return }
        if !isFresh(truth, invocation) { fail(.leaseKept, "the lease of \(truth.id) is not begun anew by \(request.text.prefix(200))") }
    }

    /// Who was told that the token is over, and has no new one, has been ended, and its socket closed.
    func judgeTokenEnd(_ request: Request, _ invocation: Invocation) {
        guard invocation.isClean, request.answer == "token_expired", let truth = connections[request.socket.id] else { return }
        // By another clock there was still time for a new token.
        guard truth.tokenExpiresAt * 1000 <= wallClock + Int64(scenario.skew) else { return }
        if truth.endedOrder == nil { fail(.tokenEnds, "\(truth.id) is told that its token is over, and is not ended") }
        if request.socket.state == .open { fail(.tokenEnds, "\(truth.id) is told that its token is over, and its socket stays open") }
    }

    /// A sweep succeeded: the leases of the minutes before it were ended, or moved to where they end now.
    func judgeSweep(_ invocation: Invocation) {
        guard invocation.isClean, !isServer else { return }
        let start = InstanceClock.start.milliseconds + invocation.startedAt - Int64(scenario.skew)
        for truth in connections.values where truth.wheelOrder <= invocation.startOrder {
            guard let minute = truth.wheel.min(), minute < start / 60_000 else { continue }
            // Whoever ends it, or moved it meanwhile, sees to it.
            if truth.endedOrder.map({ $0 > invocation.startOrder }) == true || truth.leases.last!.time >= invocation.startedAt { continue }
            return fail(.sweptClean, "\(invocation.name) leaves \(truth.id) in minute \(minute), and it is \(start / 60_000)")
        }
    }

    /// A shard of the queue was worked off.
    /// - Parameter comesAgain: whether the queue was told to give it out again.
    func worked(_ invocation: Invocation, comesAgain: Bool) {
        if unposted.remove(invocation.number) != nil, !comesAgain {
            fail(.memberMissesNothing, "\(invocation.name) could not post to all of its shard, which does not come again")
        }
    }
}
