import JSONCoding

/// Everything, for other programs. Times are seconds, latencies milliseconds, memory bytes.
extension LoadReport {
    public func json() -> [UInt8] {
        var json = JSONWriter(capacity: 4096 + outcome.seconds.count * 400)
        json.beginObject()
        json.member("ok", isGood)
        json.member("faults", faults)
        json.member("remarks", remarks)
        json.member("url", url)
        json.member("startedAt", startedAt)
        json.member("run", Int(run))
        writePlan(&json)
        writeConnections(&json)
        writeMessages(&json)
        writePresence(&json)
        json.name("latency")
        json.beginObject()
        for (name, histogram) in [
            ("connect", outcome.connect), ("join", outcome.join), ("ack", outcome.ack), ("delivery", outcome.delivery),
            ("clientLateness", outcome.lag),
        ] {
            json.name(name)
            json.write(histogram)
        }
        json.endObject()
        writeResources(&json)
        json.name("seconds")
        json.beginArray()
        for second in outcome.seconds { json.write(second, from: outcome.firstMessage) }
        json.endArray()
        json.endObject()
        return json.bytes + [UInt8(ascii: "\n")]
    }

    private func writePlan(_ json: inout JSONWriter) {
        let plan = outcome.plan
        json.name("plan")
        json.beginObject()
        json.member("rooms", plan.rooms)
        json.member("members", plan.members)
        switch plan.pacing {
        case .open(let rate): json.member("rate", decimal: rate)
        case .closed(let outstanding): json.member("outstanding", outstanding)
        }
        json.member("duration", decimal: plan.duration)
        json.member("ramp", decimal: plan.rampSeconds)
        json.member("bodySize", plan.bodyBytes)
        json.endObject()
    }

    private func writeConnections(_ json: inout JSONWriter) {
        json.name("connections")
        json.beginObject()
        json.member("wanted", outcome.wanted)
        json.member("joined", outcome.joined)
        json.member("failed", counts: outcome.failedToConnect)
        json.member("dropped", counts: outcome.dropped)
        json.endObject()
    }

    private func writeMessages(_ json: inout JSONWriter) {
        json.name("messages")
        json.beginObject()
        json.member("sent", outcome.sent)
        json.member("acked", outcome.acked)
        json.member("refused", counts: outcome.refused)
        json.member("unanswered", outcome.unanswered)
        json.member("unsent", outcome.unsent)
        json.member("perSecond", decimal: messagesPerSecond)
        json.endObject()
        json.name("deliveries")
        json.beginObject()
        json.member("expected", outcome.expected)
        json.member("received", outcome.received)
        json.member("lost", outcome.lost)
        json.member("duplicated", outcome.duplicated)
        json.member("outOfOrder", outcome.outOfOrder)
        json.member("foreign", outcome.foreign)
        json.member("perSecond", decimal: deliveriesPerSecond)
        json.endObject()
    }

    private func writePresence(_ json: inout JSONWriter) {
        json.name("presence")
        guard let presence = outcome.presence else { return json.null() }
        json.beginObject()
        json.member("ghosts", presence.ghosts)
        json.member("missingJoins", presence.missingJoins)
        json.member("doubledJoins", presence.doubledJoins)
        json.member("missingLeaves", presence.missingLeaves)
        json.member("doubledLeaves", presence.doubledLeaves)
        json.member("falseLeaves", presence.falseLeaves)
        json.endObject()
    }

    private func writeResources(_ json: inout JSONWriter) {
        json.member("measuredSeconds", decimal: outcome.measured)
        json.name("client")
        json.beginObject()
        json.member("processors", decimal: outcome.clientLoad)
        json.endObject()
        json.name("server")
        guard let server else { return json.null() }
        json.beginObject()
        json.member("processorSeconds", decimal: server.processor)
        json.name("processorMicrosecondsPerDelivery")
        if let processorPerDelivery { json.rawNumber(Words.fixed(processorPerDelivery, 3)) } else { json.null() }
        json.member("residentBefore", server.residentBefore)
        json.member("residentIdle", server.residentIdle)
        json.member("residentPeak", server.residentPeak)
        json.endObject()
    }
}

extension JSONWriter {
    mutating func member(_ name: String, decimal value: Double) {
        self.name(name)
        rawNumber(Words.fixed(value, 3))
    }

    fileprivate mutating func member(_ name: String, counts: [String: Int]) {
        self.name(name)
        beginObject()
        for (reason, count) in counts.sorted(by: { $0.key < $1.key }) { member(reason, count) }
        endObject()
    }

    fileprivate mutating func write(_ histogram: Histogram) {
        beginObject()
        member("count", histogram.count)
        member("mean", decimal: histogram.mean / 1e6)
        for (name, share) in LoadReport.quantiles { member(name, decimal: Double(histogram.quantile(share)) / 1e6) }
        endObject()
    }

    fileprivate mutating func write(_ second: Second, from start: Double) {
        beginObject()
        member("phase", second.phase.rawValue)
        member("at", decimal: second.time - start)
        member("span", decimal: second.span)
        member("connections", second.connections)
        member("sent", second.sent)
        member("acked", second.acked)
        member("refused", second.refused)
        member("received", second.received)
        member("overdue", second.overdue)
        name("ack")
        write(second.ack)
        name("delivery")
        write(second.delivery)
        endObject()
    }
}
