import JSONCoding
import Testing

@testable import LoadTest

@Suite struct DialectTests {
    static let plan = LoadPlan(rooms: 2, members: 3, pacing: .open(perSecond: 1), duration: 1)
    let dialect = MusterDialect(
        plan: plan, endpoint: try! Endpoint("ws://h/p?a=b"), roomPrefix: "r-",
        connectionOfUser: { $0.hasPrefix("u-") ? Int($0.dropFirst(2)) : nil }, token: { "t/\($0)" })
    let arrivals = Arrivals(
        ledger: Ledger(rooms: 2, members: 3, run: 7), presence: PresenceLedger(rooms: 2, members: 3), reportsEverywhere: false)

    init() {
        for connection in 0..<6 { arrivals.ledger.joined(connection) }
        _ = arrivals.ledger.sends(room: 0, number: 0, from: 0)
    }

    func read(_ text: String, connection: Int = 1) {
        arrivals.connection = connection
        dialect.read(Array(text.utf8).span.bytes, connection, arrivals)
    }

    static let body = String(decoding: Stamp(run: 7, room: 0, sender: 0, number: 0, scheduled: 5).body(bytes: 64), as: UTF8.self)

    static let deliveries = [
        #"{"type":"message","roomId":"r-0","messageId":"01","seq":42,"senderId":"u-0","body":"BODY","sentAt":"2026"}"#,
        #"{"type":"message","body":"BODY","seq":42}"#,
        #"{"type":"message","seq":42,"senderId":"a\"b","body":"BODY"}"#,
        #"{"type":"message","seq":42,"nested":{"body":"no","seq":1},"body":"BODY"}"#,
        #"{ "type": "message", "seq": 42, "body": "BODY" }"#,
        #"{"type":"message","seq":42,"seqq":7,"xbody":"z","isIt":true,"body":"BODY"}"#,
    ]

    @Test(arguments: deliveries)
    func `a delivery is booked however its frame is written`(_ frame: String) {
        read(frame.replacing("BODY", with: Self.body))
        #expect(arrivals.ledger.received == 1)
        #expect(arrivals.ledger.foreign == 0)
        read(frame.replacing("BODY", with: Self.body))
        #expect(arrivals.ledger.duplicated == 1)
    }

    @Test func `the bytes are only scanned where that gives what a parser would`() throws {
        for (index, frame) in Self.deliveries.enumerated() {
            let bytes = Array(frame.replacing("BODY", with: Self.body).utf8)
            var fields = MessageFields()
            let isScanned = fields.scan(bytes.span.bytes)
            #expect(isScanned == (index < 2), "\(frame)")
            guard isScanned, let body = fields.body else { continue }
            #expect(String(decoding: bytes[body], as: UTF8.self) == Self.body)
            #expect(fields.seq == 42)
        }
        // Cut anywhere, no frame is scanned, and nothing is read beyond its end.
        let whole = Array(Self.deliveries[0].replacing("BODY", with: Self.body).utf8)
        for end in 1..<whole.count {
            var fields = MessageFields()
            let part = Array(whole[..<end])
            let isScanned = fields.scan(part.span.bytes)
            #expect(!isScanned)
        }
    }

    @Test func `acks and errors find their message`() {
        read(#"{"type":"ack","requestId":0,"seq":1}"#, connection: 0)
        #expect(arrivals.ledger.acked == 1)
        let second = arrivals.ledger.sends(room: 1, number: 0, from: 0)
        read(#"{"type":"error","requestId":\#(second),"code":"rate_limited","status":429,"action":"sendMessage"}"#, connection: 3)
        #expect(arrivals.ledger.refusals == ["rate_limited": 1])
        #expect(arrivals.ledger.unanswered == 0)
        read(#"{"message":"Internal server error","connectionId":"x","requestId":"y"}"#)
        #expect(arrivals.ledger.refusals["gateway_error"] == 1)
    }

    @Test func `what the engine has to act on is told`() {
        read(#"{"type":"joined","roomId":"r-0","seq":0,"members":[]}"#)
        read(#"{"type":"joined","roomId":"r-0","seq":0,"presence":false}"#)
        read(#"{"type":"heartbeat","interval":300}"#)
        read(#"{"type":"online","users":[{"userId":"u-0"},{"userId":"u-2"},{"userId":"u-5"},{"userId":"me"}],"count":4}"#)
        read(#"{"type":"error","code":"forbidden","action":"joinRoom"}"#)
        #expect(
            arrivals.happenings == [
                .joined(presence: true), .joined(presence: false), .interval(300), .online(members: 2, more: false),
                .failed("joinRoom: forbidden"),
            ])
    }

    @Test func `what it says is what the protocol asks`() throws {
        #expect(dialect.opening(4).target == "/p?a=b&token=t%2F4")
        let join = try JSONParser.parse(dialect.greeting(4)[0]).object
        #expect(join?["action"]?.string == "joinRoom")
        #expect(join?["roomId"]?.string == "r-1")
        let message = try JSONParser.parse(dialect.publication(0, message: 6, body: Array(Self.body.utf8))).object
        #expect(message?["requestId"]?.int64 == 6)
        #expect(message?["body"]?.string == Self.body)
    }
}

@Suite struct EndpointTests {
    @Test(arguments: [
        ("ws://h", "h", 80, "/", "h"), ("wss://h", "h", 443, "/", "h"), ("WS://h:8080/p?q=1", "h", 8080, "/p?q=1", "h:8080"),
        ("ws://[::1]:9/x", "::1", 9, "/x", "[::1]:9"), ("wss://[::1]", "::1", 443, "/", "[::1]"), ("ws://h?x", "h", 80, "/?x", "h"),
    ])
    func `a WebSocket URL is read`(_ url: String, _ host: String, _ port: Int, _ target: String, _ authority: String) throws {
        let endpoint = try Endpoint(url)
        #expect(endpoint.host == host)
        #expect(endpoint.port == UInt16(port))
        #expect(endpoint.target == target)
        #expect(endpoint.authority == authority)
    }

    @Test(arguments: ["http://h", "h:80", "ws://", "ws://u@h", "ws://h:0", "ws://h:99999", "ws://h:x", "ws://a:b:c", "ws://h#f", "ws://h h", "ws://:80"])
    func `anything else is refused`(_ url: String) {
        #expect(throws: LoadError.invalidURL(url)) { try Endpoint(url) }
    }

    @Test func `a token in the URL is seen and not shown`() throws {
        let endpoint = try Endpoint("ws://h/p?a=1&token=secret")
        #expect(endpoint.has("token"))
        #expect(!endpoint.has("a=1&token"))
        #expect(endpoint.description == "ws://h/p")
    }
}
