import JSONCoding
import Metrics
import Testing

struct MetricsTests {
    @Test func `what was counted is taken once, zeros left out`() {
        let metrics = Metrics()
        metrics.add(.postsSent, 99)
        metrics.add(.postsSent)
        metrics.add(.postsGone, 0)
        metrics.add(.sweepLag, 120)
        let taken = metrics.take()
        #expect(taken.map(\.metric) == [.postsSent, .sweepLag])
        #expect(taken.map(\.value) == [100, 120])
        #expect(metrics.take().isEmpty)
    }

    @Test func `a line is what the embedded metric format asks for`() throws {
        let metrics = Metrics()
        metrics.add(.messagesStored, 3)
        metrics.add(.sweepLag, 121)
        let line = try #require(
            EmbeddedMetricFormat.line(metrics.take(), time: 1_795_000_000_000, function: "m-\"x\"", properties: [("requestId", "r1")]))
        #expect(line.last == UInt8(ascii: "\n"))
        #expect(line.dropLast().allSatisfy { $0 != UInt8(ascii: "\n") })
        let root = try #require(try JSONParser.parse(line).object)
        let directive = try #require(root["_aws"]?.object?["CloudWatchMetrics"]?.array?.first?.object)
        #expect(root["_aws"]?.object?["Timestamp"]?.int64 == 1_795_000_000_000)
        #expect(directive["Namespace"]?.string == "Muster")
        #expect(directive["Dimensions"]?.array?.first?.array?.first?.string == "Function")
        let stated = try #require(directive["Metrics"]?.array).compactMap { $0.object }
        #expect(stated.map { $0["Name"]?.string } == ["MessagesStored", "SweepLag"])
        #expect(stated.map { $0["Unit"]?.string } == ["Count", "Seconds"])
        #expect(root["Function"]?.string == "m-\"x\"")
        #expect(root["requestId"]?.string == "r1")
        #expect(root["MessagesStored"]?.int64 == 3)
        #expect(root["SweepLag"]?.int64 == 121)
    }

    @Test func `nothing counted is no line`() {
        #expect(EmbeddedMetricFormat.line(Metrics().take(), time: 0, function: "f", properties: []) == nil)
    }

    @Test func `nothing is lost when many count at once`() async {
        let metrics = Metrics()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 { group.addTask { for _ in 0..<1000 { metrics.add(.tableCalls) } } }
        }
        #expect(metrics.take().first?.value == 8000)
    }
}
