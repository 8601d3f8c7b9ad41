import Glibc

/// What is due, and when something is due next.
extension LoadEngine {
    func enter(_ next: Phase, at now: Int64) {
        // Seconds begin with the first message, so that each holds a second's worth.
        if next == .measuring { finishSecond(now) }
        phase = next
        phaseStart = now
        lastProgress = now
        phaseDeadline = .max
        switch next {
        case .ramping, .over: rampStart = now
        case .settling: phaseDeadline = now + nanoseconds(plan.drain)
        case .measuring: startMeasuring(now)
        case .draining:
            outcome.sending = Double(max(1, now - schedule.start)) / 1e9
        case .leaving: startLeaving(now)
        }
        atPhase?(next)
    }

    func advance(_ now: Int64) {
        if now >= nextTick { tick(now) }
        sendHeartbeats(now)
        switch phase {
        case .ramping: ramp(now)
        case .settling:
            // A quiet fifth of a second: what the joins set off has arrived.
            if now - max(lastArrival, phaseStart) > Self.second / 5 || now > phaseDeadline { enter(.measuring, at: now) }
        case .measuring: measure(now)
        case .draining:
            let ledger = arrivals.ledger
            if isStuck(at: ledger.received + ledger.acked + ledger.refusedCount, now) || open == 0 {
                endMeasuring(now)
            } else if now >= nextLook {
                // With connections gone it takes a look at every message of every member.
                nextLook = now + (outcome.dropped.isEmpty ? 0 : Self.second)
                if ledger.isSettled { endMeasuring(now) }
            }
        case .leaving: leave(now)
        case .over: break
        }
    }

    /// Nanoseconds of the monotonic clock at which ``advance(_:)`` has something to do.
    func nextDeadline(_ now: Int64) -> Int64 {
        var next = nextTick
        if let heartbeatInterval { next = min(next, heartbeatTime(heartbeats, heartbeatInterval)) }
        switch phase {
        case .ramping:
            if nextToOpen < connections.count, opening < openingLimit { next = min(next, openingTime(nextToOpen)) }
        case .settling: next = min(next, now + Self.second / 20)
        case .measuring:
            switch plan.pacing {
            case .open: next = min(next, nextMessage < schedule.count ? schedule.time(of: nextMessage) : measuringEnd)
            case .closed: next = min(next, measuringEnd)
            }
        case .draining: next = min(next, now + Self.second / 100)
        case .leaving:
            // Who leaves goes on time; what is heard of it is looked at ten times a second.
            next = min(next, now + Self.second / (nextToLeave >= plan.rooms ? 100 : 10))
        case .over: break
        }
        return next
    }

    /// Whether what is counted has not grown for as long as the plan waits: a slow service is waited for, a silent one not.
    func isStuck(at count: Int, _ now: Int64) -> Bool {
        if count != progress { (progress, lastProgress) = (count, now) }
        return now - lastProgress > (isInterrupted ? Self.second : nanoseconds(plan.drain))
    }

    private var measuringEnd: Int64 { schedule.start + nanoseconds(plan.duration) }

    private var openingLimit: Int {
        // The first one shows whether anybody is let in. Each of TLS takes a thread while it connects.
        outcome.joined == 0 ? 1 : openers == nil ? Self.openingAtOnce : 64
    }

    private func openingTime(_ order: Int) -> Int64 {
        rampStart + Int64(Double(order) * plan.rampSeconds * 1e9 / Double(connections.count))
    }

    private func ramp(_ now: Int64) {
        while nextToOpen < connections.count, opening < openingLimit, openingTime(nextToOpen) <= now, !isInterrupted {
            begin(connection(inOrder: nextToOpen), now)
            nextToOpen += 1
        }
        guard opening == 0 else { return }
        if nextToOpen == connections.count || isInterrupted { enter(open > 0 ? .settling : .leaving, at: now) }
    }

    private func startMeasuring(_ now: Int64) {
        // A moment for whoever is told of the phase.
        let start = now + Self.second / 50
        var rate = 0.0
        if case .open(let perSecond) = plan.pacing { rate = perSecond }
        schedule = Schedule(start: start, perSecond: rate, duration: plan.duration)
        arrivals.ledger.begin(at: start)
        processorStart = processorNow()
        lastDelivery = start
        nextTick = start + Self.second
        sentBySecond = []
        outcome.firstMessage = Double(start - runStart) / 1e9
    }

    private func measure(_ now: Int64) {
        if isInterrupted || open == 0 { return enter(.draining, at: now) }
        switch plan.pacing {
        case .open:
            // What arrives is read in between, also when the schedule is far behind.
            var budget = 256
            while nextMessage < schedule.count, budget > 0, case let time = schedule.time(of: nextMessage), time <= now {
                publish(room: nextMessage % plan.rooms, number: nextMessage / plan.rooms, scheduled: time)
                nextMessage += 1
                budget -= 1
            }
            if nextMessage == schedule.count, now >= measuringEnd { enter(.draining, at: now) }
        case .closed(let outstanding):
            guard now >= schedule.start else { return }
            if now >= measuringEnd { return enter(.draining, at: now) }
            for room in 0..<plan.rooms {
                while roomNumbers[room] < outstanding { publishNext(room: room) }
            }
        }
    }

    /// In a closed loop: one more message of a room.
    func publishNext(room: Int) {
        guard phase == .measuring else { return }
        let number = roomNumbers[room]
        roomNumbers[room] += 1
        publish(room: room, number: number, scheduled: monotonicNow())
    }

    private func publish(room: Int, number: Int, scheduled: Int64) {
        let senders = min(plan.members, plan.senders ?? plan.members)
        let first = number % senders
        // If that one is gone, the next who is there.
        guard let sender = (0..<plan.members).lazy.map({ (first + $0) % self.plan.members }).first(where: {
            self.connections[room * self.plan.members + $0].stage == .joined
        }) else {
            outcome.unsent += 1
            return
        }
        let connection = connections[room * plan.members + sender]
        let message = arrivals.ledger.sends(room: room, number: number, from: sender)
        if case .closed = plan.pacing {
            while sentAt.count <= message { sentAt.append(0) }
            sentAt[message] = scheduled
        }
        let stamp = Stamp(run: runNumber, room: room, sender: sender, number: number, scheduled: scheduled)
        let payload = dialect.publication(connection.index, message: message, body: stamp.body(bytes: plan.bodyBytes))
        send(payload, to: connection)
        let now = monotonicNow()
        outcome.lag.record(now - scheduled)
        if !dialect.acknowledges { arrivals.ledger.acknowledged(message, scheduled: nil, at: now) }
    }

    private func endMeasuring(_ now: Int64) {
        finishSecond(now)
        let end = max(lastDelivery, min(phaseStart, now))
        outcome.measured = Double(max(1, end - schedule.start)) / 1e9
        outcome.clientLoad = Double(processorNow() - processorStart) / Double(max(1, now - schedule.start))
        let ledger = arrivals.ledger
        (outcome.sent, outcome.acked, outcome.refused) = (ledger.sent, ledger.acked, ledger.refusals)
        (outcome.unanswered, outcome.received) = (ledger.unanswered, ledger.received)
        (outcome.expected, outcome.lost) = ledger.tally()
        (outcome.duplicated, outcome.outOfOrder, outcome.foreign) = (ledger.duplicated, ledger.outOfOrder, ledger.foreign)
        enter(.leaving, at: now)
    }

    /// Stops sending and opening; asked again, stops everything.
    func interrupt() {
        // One byte for each time.
        if let stopDescriptor {
            var byte: UInt8 = 0
            _ = unsafe read(stopDescriptor, &byte, 1)
        }
        if isInterrupted {
            let now = monotonicNow()
            if phase == .measuring || phase == .draining { endMeasuring(now) }
            return enter(.over, at: now)
        }
        isInterrupted = true
        outcome.ending = .interrupted
    }

    func nanoseconds(_ seconds: Double) -> Int64 { Int64(seconds * 1e9) }
}
