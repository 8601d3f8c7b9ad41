/// Once a second: figures, time-outs; and the heartbeats, spread over their interval.
extension LoadEngine {
    func tick(_ now: Int64) {
        finishSecond(now)
        // A process that was stopped for a while does not make up for its seconds.
        nextTick = max(nextTick + Self.second, now)
        for connection in connections {
            switch connection.stage {
            case .connecting, .upgrading, .joining:
                if now - connection.since > nanoseconds(plan.connectTimeout) { end(connection, "timed out") }
            case .closing:
                if now - connection.since > 2 * Self.second { end(connection, "timed out") }
            default: break
            }
        }
    }

    func finishSecond(_ now: Int64) {
        sentBySecond.append(nextMessage)
        // The number among all, of the messages sent two seconds ago.
        if case .open = plan.pacing, sentBySecond.count > 2 {
            arrivals.ledger.passWatermark(sentBySecond[sentBySecond.count - 3])
        }
        let ledger = arrivals.ledger
        second.phase = phase
        second.time = Double(now - runStart) / 1e9
        second.span = Double(now - lastFinish) / 1e9
        lastFinish = now
        second.connections = open
        second.sent = ledger.sent - counted.sent
        second.acked = ledger.acked - counted.acked
        let refused = ledger.refusals.values.reduce(0, +)
        second.refused = refused - counted.refused
        second.received = ledger.received - counted.received
        second.overdue = ledger.overdue
        counted = (ledger.sent, ledger.acked, refused, ledger.received)
        (second.ack, second.delivery) = arrivals.ledger.takeInterval()
        outcome.ack.add(second.ack)
        outcome.delivery.add(second.delivery)
        everySecond?(second)
        outcome.seconds.append(second)
        second = Second(phase: phase)
    }

    func heartbeatTime(_ number: Int, _ interval: Int64) -> Int64 {
        heartbeatStart + Int64(Double(number) * Double(interval) / Double(connections.count))
    }

    /// One connection after the other, round and round, each once in an interval.
    func sendHeartbeats(_ now: Int64) {
        guard let interval = heartbeatInterval else { return }
        while case let time = heartbeatTime(heartbeats, interval), time <= now {
            let connection = connections[heartbeats % connections.count]
            heartbeats += 1
            // Whoever spoke lately needs none.
            guard connection.stage == .joined, now - connection.lastSent > interval / 2,
                let payload = dialect.heartbeat(connection.index)
            else { continue }
            send(payload, to: connection)
        }
    }
}
