import JSONCoding
import Logs
import Synchronization
import Testing

struct LogTests {
    /// Keeps lines as text.
    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
        func append(_ line: [UInt8]) { lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }
    }

    /// 2026-11-21T13:37:20.123Z
    private static let time: Int64 = 1_795_268_240_123

    private func lines(_ format: LogFormat, _ level: LogLevel = .info, _ write: (Log) -> Void) -> [String] {
        let lines = Lines()
        write(Log(level: level, format: format, clock: { Self.time }, sink: { lines.append($0) }))
        return lines.all
    }

    @Test func `the text form is one line of words`() {
        let lines = lines(.text) {
            $0.info("room joined", ["roomId": "lobby", "name": "two words", "members": 3, "first": true, "none": nil as String?])
        }
        #expect(lines == ["2026-11-21T13:37:20.123Z INFO room joined roomId=lobby name=\"two words\" members=3 first=true\n"])
    }

    @Test func `the JSON form is one object`() {
        let lines = lines(.json) { $0.warning("slow", ["ms": 1500, "user": "é", "ok": false]) }
        #expect(lines == [#"{"time":"2026-11-21T13:37:20.123Z","level":"warning","event":"slow","ms":1500,"user":"é","ok":false}"# + "\n"])
    }

    @Test(arguments: LogLevel.allCases, LogLevel.allCases)
    func `an event below the level is not even evaluated`(threshold: LogLevel, level: LogLevel) {
        var evaluated = false
        func fields() -> LogFields {
            evaluated = true
            return [:]
        }
        let lines = lines(.text, threshold) { $0.log(level, "event", fields()) }
        #expect(evaluated == (level >= threshold))
        #expect(lines.count == (level >= threshold ? 1 : 0))
    }

    @Test func `each method writes its own level`() {
        let lines = lines(.text, .trace) {
            $0.trace("e")
            $0.debug("e")
            $0.info("e")
            $0.warning("e")
            $0.error("e")
        }
        #expect(lines.map { $0.split(separator: " ")[1] } == ["TRACE", "DEBUG", "INFO", "WARNING", "ERROR"])
    }

    @Test func `levels and formats have names`() {
        #expect(LogLevel("warning") == .warning)
        #expect(LogLevel("WARNING") == nil)
        #expect(LogFormat("json") == .json)
        #expect(LogFormat("xml") == nil)
    }

    @Test func `a child adds fields, and the newest of a name stays`() {
        let lines = lines(.text) { log in
            let child = log.with(["connectionId": "c1", "requestId": "r1"]).with(["requestId": "r2"])
            child.info("a")
            child.info("b", ["connectionId": "other"])
            log.info("c")
        }
        #expect(lines.map { $0.dropFirst(25) } == [
            "INFO a connectionId=c1 requestId=r2\n", "INFO b requestId=r2 connectionId=other\n", "INFO c\n",
        ])
    }

    @Test(arguments: [
        ("a\nINFO forged", #""a\nINFO forged""#), ("\r\t\0", #""\r\t\u0000""#), ("\u{1B}[31m", #""\u001b[31m""#),
        ("\u{7F}\u{9B}2J\u{85}", #""\u007f\u009b2J\u0085""#), ("\u{2028}\u{202E}", #""\u2028\u202e""#),
        ("a=b", #""a=b""#), ("say \"hi\"", #""say \"hi\"""#), ("back\\slash", #""back\\slash""#), ("", #""""#), ("é", "\"é\""),
        ("x\" level=\"ERROR", #""x\" level=\"ERROR""#),
    ])
    func `a value cannot leave its field`(value: String, expected: String) throws {
        let text = lines(.text) { $0.info("event", ["user": value]) }
        #expect(text == ["2026-11-21T13:37:20.123Z INFO event user=\(expected)\n"])
        let json = try #require(lines(.json) { $0.info("event", ["user": value]) }.first)
        #expect(json.hasSuffix("\"user\":\(expected)}\n"))
        #expect(try JSONParser.parse(json).object?["user"] == .string(value))
    }

    @Test func `an event and a name with control characters stay one line too`() {
        let text = lines(.text) { $0.info("bad\nevent", ["bad name\n": 1]) }
        #expect(text == [#"2026-11-21T13:37:20.123Z INFO "bad\nevent" "bad name\n"=1"# + "\n"])
        #expect(lines(.json) { $0.info("bad\nevent", ["n\n": 1]) }.first?.filter(\.isNewline).count == 1)
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (951_782_399_999, "2000-02-28T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"), (951_868_800_000, "2000-03-01T00:00:00.000Z"),
        (4_107_542_400_001, "2100-03-01T00:00:00.001Z"), (-1, "1969-12-31T23:59:59.999Z"),
        (1_704_067_199_000, "2023-12-31T23:59:59.000Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ] as [(Int64, String)])
    func `a time is written in UTC`(time: Int64, expected: String) {
        let lines = Lines()
        Log(clock: { time }, sink: { lines.append($0) }).info("e")
        #expect(lines.all == ["\(expected) INFO e\n"])
    }

    @Test func `what belongs to an invocation is in each of its events, below a log's own fields`() async {
        let lines = Lines()
        let log = Log(clock: { Self.time }, sink: { lines.append($0) })
        await Log.$ambient.withValue(["traceId": "1-5", "room": "a"]) {
            await Task { log.info("event", ["room": "b"]) }.value
        }
        log.info("after")
        #expect(lines.all == ["2026-11-21T13:37:20.123Z INFO event traceId=1-5 room=b\n", "2026-11-21T13:37:20.123Z INFO after\n"])
    }
}
