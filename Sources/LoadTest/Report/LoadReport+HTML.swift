import Glibc

/// The natural logarithm.
func logarithm(_ value: Double) -> Double { log(value) }

/// One file that needs nothing else: no script, no font, no image from elsewhere.
extension LoadReport {
    public func html() -> [UInt8] {
        let plan = outcome.plan
        var page = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        page += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
        page += "<title>Load test of \(escaped(url))</title>\n<style>\(Self.style)</style>\n</head>\n<body>\n<main>\n"
        page += "<header><h1>Load test <span>\(escaped(url))</span></h1>\n"
        page += "<p>\(plan.rooms) rooms × \(plan.members) members, \(escaped(paceWords)), \(Words.significant(plan.duration)) s, bodies of \(plan.bodyBytes) bytes. \(escaped(startedAt))</p>\n"
        page += "<p class=\"verdict \(isGood ? "good" : "bad")\">\(escaped(verdict))</p></header>\n"
        page += tiles()
        for remark in remarks { page += "<p class=\"note\">Note: \(escaped(remark)).</p>\n" }
        page += charts()
        page += tables()
        return Array((page + "</main>\n</body>\n</html>\n").utf8)
    }

    private func tiles() -> String {
        var tiles = [
            ("deliveries/s", Words.count(deliveriesPerSecond)), ("messages/s", Words.count(messagesPerSecond)),
            ("delivery p50", Words.duration(outcome.delivery.quantile(0.5))),
            ("delivery p99", Words.duration(outcome.delivery.quantile(0.99))), ("lost", Words.count(outcome.lost)),
        ]
        if let processorPerDelivery { tiles.append(("server CPU per delivery", Words.significant(processorPerDelivery) + " µs")) }
        return "<section class=\"tiles\">"
            + tiles.map { "<div><strong>\($0.1)</strong><span>\($0.0)</span></div>" }.joined() + "</section>\n"
    }

    private func charts() -> String {
        let start = outcome.firstMessage
        // Seconds of sending; what is left over from a cut second is too short for a rate.
        let seconds = outcome.seconds.filter { ($0.phase == .measuring || $0.phase == .draining) && $0.span > 0.25 }
        guard !seconds.isEmpty else { return "" }
        let x = Chart.Axis.time("seconds since the first message", 0...max(1, seconds[seconds.count - 1].time - start))
        func points(_ value: (Second) -> Double) -> [(x: Double, y: Double)] {
            // A second's figures stand in its middle.
            seconds.map { (max(0, $0.time - $0.span / 2 - start), value($0)) }
        }
        return latencyChart(seconds, x, points) + throughputChart(seconds, x, points) + percentileChart() + connectionChart()
    }

    private func latencyChart(
        _ seconds: [Second], _ x: Chart.Axis, _ points: ((Second) -> Double) -> [(x: Double, y: Double)]
    ) -> String {
        let lines = [("a", "p50", 0.5), ("b", "p99", 0.99), ("c", "max", 1)].map { tone, name, share in
            Chart.Line(
                tone: tone, name: name, points: points { Double($0.delivery.quantile(share)) }.filter { $0.y > 0 })
        }
        let y = Chart.Axis.durations("latency", lines.flatMap { $0.points.map(\.y) })
        return Chart(title: "Delivery latency, from the scheduled time", x: x, y: y, lines: lines, isWide: true).svg()
    }

    private func throughputChart(
        _ seconds: [Second], _ x: Chart.Axis, _ points: ((Second) -> Double) -> [(x: Double, y: Double)]
    ) -> String {
        let deliveries = points { Double($0.received) / $0.span }
        let y = Chart.Axis.linear("deliveries per second", to: deliveries.map(\.y).max() ?? 1) { Words.count($0) }
        let line = Chart.Line(tone: "a", name: "deliveries", points: deliveries, isArea: true)
        let sent = points { Double($0.sent) / $0.span }
        let acked = points { Double($0.acked) / $0.span }
        let messages = Chart.Axis.linear("messages per second", to: (sent + acked).map(\.y).max() ?? 1) { Words.count($0) }
        return Chart(title: "Throughput: deliveries", x: x, y: y, lines: [line]).svg()
            + Chart(
                title: "Throughput: messages", x: x, y: messages,
                lines: [
                    Chart.Line(tone: "a", name: "sent", points: sent), Chart.Line(tone: "b", name: "acknowledged", points: acked),
                ]).svg()
    }

    /// Each nine of the percentiles takes the same room, so that the tail can be seen.
    private func percentileChart() -> String {
        let half = log10(2.0)
        let nines = [(half, 0.5)] + stride(from: 0.35, through: 5.0, by: 0.05).map { ($0, 1 - pow(10, -$0)) }
        let ticks: [(Double, String)] = [(half, "50"), (1, "90"), (2, "99"), (3, "99.9"), (4, "99.99"), (5, "99.999")]
        let most = min(5, max(1, log10(Double(max(outcome.delivery.count, outcome.ack.count, 1)))).rounded(.up))
        func line(_ tone: String, _ name: String, _ histogram: Histogram) -> Chart.Line {
            Chart.Line(
                tone: tone, name: name,
                points: histogram.count == 0
                    ? [] : nines.filter { $0.0 <= most }.map { ($0.0, Double(max(1, histogram.quantile($0.1)))) })
        }
        let lines = [line("a", "delivery", outcome.delivery), line("b", "ack", outcome.ack)]
        let y = Chart.Axis.durations("latency", lines.flatMap { $0.points.map(\.y) })
        let x = Chart.Axis(title: "percentile", ticks: ticks.filter { $0.0 <= most }, range: half...most)
        return Chart(title: "Latency by percentile", x: x, y: y, lines: lines).svg()
    }

    private func connectionChart() -> String {
        let points = outcome.seconds.map { (x: $0.time, y: Double($0.connections)) }
        guard let last = points.last else { return "" }
        let y = Chart.Axis.linear("connections", to: Double(outcome.wanted)) { Words.count($0) }
        let line = Chart.Line(tone: "a", name: "in their room", points: [(0, 0)] + points, isArea: true)
        return Chart(title: "Connections", x: .time("seconds since the start", 0...last.x), y: y, lines: [line]).svg()
    }

    private func tables() -> String {
        var html = "<section class=\"tables\"><div><h2>Figures</h2><table>"
        for (name, value) in rows { html += "<tr><th scope=\"row\">\(escaped(name))</th><td>\(escaped(value))</td></tr>\n" }
        html += "</table></div><div><h2>Latencies</h2><table class=\"numbers\"><tr><th></th>"
        html += Self.quantiles.map { "<th scope=\"col\">\($0.name)</th>" }.joined() + "</tr>\n"
        for (name, histogram) in latencies where histogram.count > 0 {
            html += "<tr><th scope=\"row\">\(name)</th>"
                + Self.quantiles.map { "<td>\(Words.duration(histogram.quantile($0.share)))</td>" }.joined() + "</tr>\n"
        }
        return html + "</table></div></section>\n"
    }

    private static let style = """

        :root{--ground:#fff;--panel:#f6f7f9;--ink:#1b1f24;--soft:#5b6570;--line:#dfe3e8;--a:#2563c9;--b:#c2590c;--c:#7a3ea8;--good:#11703a;--bad:#b3261e}
        @media(prefers-color-scheme:dark){:root{--ground:#14171b;--panel:#1d2127;--ink:#e6e9ed;--soft:#9aa5b1;--line:#333a43;--a:#6ea8ff;--b:#f2a154;--c:#c99bf0;--good:#5ccf8a;--bad:#ff8a80}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
        main{max-width:1180px;margin:0 auto;padding:28px 20px 48px;display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:16px}
        header,.tiles,.note,.tables,.wide{grid-column:1/-1;margin:0}
        h1{margin:0;font-size:22px}h1 span{font-weight:400;color:var(--soft);overflow-wrap:anywhere}
        h2{margin:0 0 8px;font-size:15px}
        header p{margin:4px 0;color:var(--soft)}
        header .verdict{display:inline-block;margin-top:10px;padding:5px 12px;border-radius:6px;font-weight:600;border:1px solid currentColor}
        .good{color:var(--good)!important}.bad{color:var(--bad)!important}
        .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px}
        .tiles div,figure,.tables>div{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:14px 16px}
        .tiles strong{display:block;font-size:23px;font-variant-numeric:tabular-nums}.tiles span{color:var(--soft);font-size:13px}
        figure{margin:0}.wide{margin:0}figcaption{display:flex;flex-wrap:wrap;justify-content:space-between;font-weight:600;margin-bottom:6px}
        .legend{font-weight:400;font-size:13px;color:var(--soft)}
        .key{display:inline-block;width:14px;height:3px;border-radius:2px;margin:0 6px 3px 14px}
        .key.a{background:var(--a)}.key.b{background:var(--b)}.key.c{background:var(--c)}
        svg{display:block;width:100%;height:auto}figure:not(.wide) svg{max-width:660px}.wide{overflow-x:auto}.wide svg{min-width:680px}
        .grid{stroke:var(--line)}.axis{stroke:var(--soft)}
        .tick,.title{fill:var(--soft);font-size:12px;font-variant-numeric:tabular-nums}
        .line{fill:none;stroke-width:1.8;stroke-linejoin:round}
        .line.a{stroke:var(--a)}.line.b{stroke:var(--b)}.line.c{stroke:var(--c)}
        .area{stroke:none;opacity:.15}.area.a,.dot.a{fill:var(--a)}.dot.b{fill:var(--b)}.dot.c{fill:var(--c)}
        .tables{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));gap:16px;align-items:start}
        .tables>div{overflow-x:auto}
        table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
        th,td{text-align:left;padding:4px 8px 4px 0;border-bottom:1px solid var(--line);font-weight:400;vertical-align:top}
        tr:last-child>*{border-bottom:0}
        th{color:var(--soft);white-space:nowrap}.numbers td,.numbers th[scope=col]{text-align:right;white-space:nowrap}
        .note{padding:8px 14px;border-left:3px solid var(--b);background:var(--panel)}

        """
}
