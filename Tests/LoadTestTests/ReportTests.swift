import JSONCoding
import Testing

@testable import LoadTest

@Suite struct ReportTests {
    static func report(_ change: (inout LoadOutcome) -> Void = { _ in }) -> LoadReport {
        var outcome = LoadOutcome(plan: LoadPlan(rooms: 10, members: 100, pacing: .open(perSecond: 200), duration: 3))
        outcome.joined = 1000
        (outcome.sent, outcome.acked, outcome.expected, outcome.received) = (600, 600, 59_400, 59_400)
        outcome.measured = 3
        outcome.presence = LoadOutcome.Presence()
        for index in 0..<3 {
            var second = Second(phase: .measuring)
            (second.time, second.span, second.connections) = (Double(index) + 3, 1, 1000)
            (second.sent, second.acked, second.received) = (200, 200, 19_800)
            for value in 1...100 {
                second.delivery.record(Int64(value) * 100_000)
                second.ack.record(Int64(value) * 50_000)
            }
            outcome.delivery.add(second.delivery)
            outcome.ack.add(second.ack)
            outcome.seconds.append(second)
        }
        outcome.firstMessage = 2
        change(&outcome)
        return LoadReport(outcome: outcome, url: "ws://h:1/<p>", startedAt: "2026-01-01T00:00:00.000Z", run: 1)
    }

    @Test func `a run without a fault is good`() {
        let report = Self.report()
        #expect(report.isGood)
        #expect(report.table().contains("ok: nothing lost"))
        #expect(report.table().contains("59,400, 19,800/s"))
    }

    static let faults: [(String, @Sendable (inout LoadOutcome) -> Void)] = [
        ("3 deliveries lost", { $0.lost = 3 }), ("2 duplicated", { $0.duplicated = 2 }), ("1 out of order", { $0.outOfOrder = 1 }),
        ("4 to the wrong connection", { $0.foreign = 4 }), ("5 messages unanswered", { $0.unanswered = 5 }),
        ("7 messages refused", { $0.refused = ["rate_limited": 6, "internal": 1] }), ("2 presence faults", { $0.presence?.ghosts = 2 }),
        ("1 presence faults", { $0.presence?.missingJoins = 1 }), ("9 connections dropped", { $0.dropped = ["close 1013": 9] }),
        ("1 connections not let in", { $0.failedToConnect = ["HTTP 429": 1] }), ("interrupted", { $0.ending = .interrupted }),
        ("ended every connection (close 1001)", { $0.ending = .serverGone("close 1001") }), ("6 messages not sent", { $0.unsent = 6 }),
    ]

    @Test(arguments: faults.indices)
    func `each fault is told and fails the run`(_ index: Int) throws {
        let (words, change) = Self.faults[index]
        let report = Self.report(change)
        #expect(!report.isGood)
        #expect(report.table().contains(words))
        #expect(String(decoding: report.html(), as: UTF8.self).contains(words))
        #expect(try JSONParser.parse(report.json()).object?["ok"]?.bool == false)
    }

    @Test func `without order asked for, crossing deliveries are no fault`() {
        var report = Self.report { $0.outOfOrder = 1 }
        report.isOrdered = false
        #expect(report.isGood)
    }

    @Test func `the JSON has what the table has, and every second`() throws {
        var report = Self.report()
        report.server = LoadReport.Server()
        report.server?.processor = 0.594
        let json = try #require(try JSONParser.parse(report.json()).object)
        #expect(json["deliveries"]?.object?["received"]?.int64 == 59_400)
        #expect(json["seconds"]?.array?.count == 3)
        #expect(json["seconds"]?.array?[0].object?["at"]?.number?.text == "1.000")
        #expect(json["latency"]?.object?["delivery"]?.object?["count"]?.int64 == 300)
        #expect(json["server"]?.object?["processorMicrosecondsPerDelivery"]?.number?.text == "10.000")
        #expect(json["faults"]?.array?.isEmpty == true)
    }

    @Test func `the page stands alone, escapes what it shows and closes what it opens`() {
        let page = String(decoding: Self.report().html(), as: UTF8.self)
        #expect(page.contains("ws://h:1/&lt;p&gt;"))
        for word in ["<script", "http://", "https://", "@import", "url(", "NaN", "inf"] { #expect(!page.contains(word), "\(word)") }
        for tag in ["svg", "figure", "table", "div", "section", "span", "text", "p", "title"] {
            let opened = page.matches(of: try! Regex("<\(tag)[ >]")).count
            #expect(opened == page.matches(of: try! Regex("</\(tag)>")).count, "\(tag)")
        }
    }

    @Test func `a page without a message or a connection is a page`() {
        let outcome = LoadOutcome(plan: LoadPlan(rooms: 1, members: 1, pacing: .open(perSecond: 0), duration: 1))
        let page = String(decoding: LoadReport(outcome: outcome, url: "ws://h/", startedAt: "", run: 1).html(), as: UTF8.self)
        #expect(page.hasSuffix("</html>\n"))
    }

    @Test(arguments: [
        (0, "0 ns"), (999, "999 ns"), (1_500, "1.50 µs"), (999_999, "1000 µs"), (12_345_678, "12.3 ms"), (3_210_000_000, "3.21 s"),
    ])
    func `durations have a unit that fits`(_ nanoseconds: Int64, _ words: String) {
        #expect(Words.duration(nanoseconds) == words)
    }

    @Test func `numbers are written plainly`() {
        #expect(Words.count(0) == "0")
        #expect(Words.count(1_234_567) == "1,234,567")
        #expect(Words.count(-1_000) == "-1,000")
        #expect(Words.fixed(1.005, 1) == "1.0")
        #expect(Words.fixed(-0.04, 1) == "0.0")
        #expect(Words.fixed(0.999, 2) == "1.00")
        #expect(Words.bytes(1536) == "1.50 KB")
    }

    @Test func `the progress says what has come so far`() {
        var progress = Progress(wanted: 1000)
        let seconds = Self.report().outcome.seconds
        _ = progress.line(seconds[0])
        let line = progress.line(seconds[1])
        #expect(line.contains("1,000/1,000 connections"))
        #expect(line.contains("400 sent"))
        #expect(line.contains("39,600 delivered (19,800/s)"))
        #expect(line.contains("0 lost"))
    }

    @Test func `a report's place is tried before, and a file that was there is kept until then`() throws {
        #expect(throws: LoadError.self) { try ReportFile("/nowhere/at/all.json") }
        #expect(throws: LoadError.self) { try ReportFile("/tmp") }
        let full = try ReportFile("/dev/full")
        #expect(throws: LoadError.unwritable(path: "/dev/full", reason: "No space left on device")) { try full.write([1]) }
    }
}
