/// What the terminal shows at the end.
extension LoadReport {
    public func table() -> String {
        let plan = outcome.plan
        var text = "\n\(url): \(plan.rooms) rooms × \(plan.members) members, \(paceWords), "
            + "\(Words.significant(plan.duration)) s, bodies of \(plan.bodyBytes) bytes\n\n"
        for (name, value) in rows { text += "  \(name.padded(to: 20))  \(value)\n" }
        text += "\n  " + "".padded(to: 20) + Self.quantiles.map { $0.name.aligned(to: 11) }.joined() + "\n"
        for (name, histogram) in latencies where histogram.count > 0 {
            text += "  " + name.padded(to: 20)
                + Self.quantiles.map { Words.duration(histogram.quantile($0.share)).aligned(to: 11) }.joined() + "\n"
        }
        for remark in remarks { text += "\nnote: \(remark)" }
        if !remarks.isEmpty { text += "\n" }
        return text + "\n" + verdict + "\n"
    }

    var verdict: String {
        isGood ? "ok: nothing lost, duplicated or out of order, no ghost" : "failed: " + faults.joined(separator: ", ")
    }

    var latencies: [(name: String, histogram: Histogram)] {
        [
            ("connect", outcome.connect), ("connect and join", outcome.join), ("ack", outcome.ack),
            ("delivery", outcome.delivery), ("client lateness", outcome.lag),
        ]
    }

    /// Name and value, in the order of what is asked first.
    var rows: [(name: String, value: String)] {
        var rows: [(String, String)] = []
        func add(_ name: String, _ value: String, _ reasons: [String: Int] = [:]) {
            rows.append((name, reasons.isEmpty ? value : "\(value) (\(Self.counts(reasons)))"))
        }
        add("connections", "\(Words.count(outcome.joined)) of \(Words.count(outcome.wanted))", outcome.failedToConnect)
        if !outcome.dropped.isEmpty {
            add("dropped", Words.count(outcome.dropped.values.reduce(0, +)), outcome.dropped)
        }
        add("messages sent", "\(Words.count(outcome.sent)), \(Words.count(messagesPerSecond))/s")
        add("acknowledged", Words.count(outcome.acked))
        add("refused", Words.count(outcome.refused.values.reduce(0, +)), outcome.refused)
        if outcome.unanswered > 0 { add("unanswered", Words.count(outcome.unanswered)) }
        if outcome.unsent > 0 { add("not sent", "\(Words.count(outcome.unsent)) (nobody left in the room)") }
        add("deliveries expected", Words.count(outcome.expected))
        add("received", "\(Words.count(outcome.received)), \(Words.count(deliveriesPerSecond))/s")
        add("lost", Words.count(outcome.lost))
        add("duplicated", Words.count(outcome.duplicated))
        add("out of order", Words.count(outcome.outOfOrder))
        if outcome.foreign > 0 { add("wrongly delivered", Words.count(outcome.foreign)) }
        if let presence = outcome.presence {
            add("presence ghosts", Words.count(presence.ghosts))
            add("joins", "\(presence.missingJoins) missing, \(presence.doubledJoins) twice")
            add("leaves", "\(presence.missingLeaves) missing, \(presence.doubledLeaves) twice, \(presence.falseLeaves) false")
        }
        if let server {
            if let processorPerDelivery {
                let share = outcome.measured > 0 ? server.processor / outcome.measured : 0
                add("server CPU", "\(Words.significant(processorPerDelivery)) µs per delivery, \(Words.percent(share)) of a core")
            }
            var memory = "\(Words.bytes(server.residentIdle)) before the messages, \(Words.bytes(server.residentPeak)) at most"
            if let residentPerConnection { memory += ", \(Words.bytes(residentPerConnection)) per connection" }
            add("server memory", memory)
        }
        add("client CPU", "\(Words.percent(outcome.clientLoad)) of a core")
        return rows
    }
}
