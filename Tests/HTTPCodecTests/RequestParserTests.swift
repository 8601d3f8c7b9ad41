import HTTPCodec
import Testing

/// Feeds `text` in pieces of `size` bytes and gives everything that came out.
func parse(
    _ text: String, pieces size: Int = .max, limits: HTTPLimits = HTTPLimits()
) -> (events: [HTTPRequestParser.Event], fault: HTTPFault?) {
    var parser = HTTPRequestParser(limits: limits)
    var events: [HTTPRequestParser.Event] = []
    var rest = Array(text.utf8)[...]
    do throws(HTTPFault) {
        while !rest.isEmpty {
            parser.append(Array(rest.prefix(size)))
            rest = rest.dropFirst(size)
            while let event = try parser.next() { events.append(event) }
        }
        return (events, nil)
    } catch {
        return (events, error)
    }
}

func get(_ lines: String...) -> String {
    (["GET / HTTP/1.1", "Host: h"] + lines).joined(separator: "\r\n") + "\r\n\r\n"
}

@Suite struct RequestParserTests {
    @Test func `a request gives its head and then its body`() throws {
        let (events, fault) = parse(
            "POST /local/%40connections/a%3D?x=1&y HTTP/1.1\r\nhost: h:80\r\nContent-Length:  2 \r\n\r\nok")
        #expect(fault == nil)
        let head = HTTPRequestHead(
            method: "POST", target: "/local/%40connections/a%3D?x=1&y", fields: ["host": "h:80", "Content-Length": "2"])
        #expect(events == [.head(head), .body(Array("ok".utf8))])
        #expect(head.path == "/local/%40connections/a%3D")
        #expect(head.query == "x=1&y")
        #expect(head.fields.first("HOST") == "h:80")
    }

    static let streams = [
        get() + get("A: b") + get("Content-Length: 3") + "abc" + get(),
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n5;a=b\r\nhello\r\n00A\r\n0123456789\r\n0\r\nT: x\r\n\r\n" + get(),
        "POST /a HTTP/1.0\r\nContent-Length: 1\r\n\r\nx\r\n" + get("X: é"),
        get("Transfer-Encoding: chunked") + "0\r\n\r\n" + get() + get("Bad field"),
        get("Transfer-Encoding: chunked") + "3\r\nabcX",
        get("A: 1\nB: 2"),
    ]

    @Test(arguments: streams) func `any split of the bytes gives the same events`(_ stream: String) {
        let whole = parse(stream)
        #expect(!whole.events.isEmpty || whole.fault != nil)
        for size in 1...stream.utf8.count {
            let split = parse(stream, pieces: size)
            #expect(split.events == whole.events && split.fault == whole.fault, "pieces of \(size)")
        }
    }

    @Test func `pipelined requests come out one after the other`() {
        let (events, fault) = parse(Self.streams[0])
        #expect(fault == nil)
        #expect(events.count == 8)
        #expect(events[5] == .body(Array("abc".utf8)))
    }

    @Test func `a chunked body comes out joined and its trailers are read over`() {
        let (events, fault) = parse(Self.streams[1])
        #expect(fault == nil)
        #expect(events.count == 4)
        #expect(events[1] == .body(Array("hello0123456789".utf8)))
    }

    @Test func `the bytes after an upgrade head are the new protocol's`() throws {
        var parser = HTTPRequestParser()
        parser.append(Array((get("Upgrade: websocket", "Connection: keep-alive, Upgrade") + "\u{1}\u{2}").utf8))
        guard case .head(let head)? = try parser.next() else {
            Issue.record("no head")
            return
        }
        #expect(head.fields.contains("connection", token: "upgrade"))
        #expect(!head.fields.contains("connection", token: "close"))
        #expect(parser.takeRemainder() == [1, 2])
        #expect(parser.takeRemainder() == [])
    }

    static let faults: [(String, HTTPFault)] = [
        ("GET  / HTTP/1.1\r\n", .malformedRequestLine),
        ("GET /\r\n", .malformedRequestLine),
        ("GET / HTTP/1.1 \r\n", .malformedRequestLine),
        ("GET / http/1.1\r\n", .malformedRequestLine),
        ("GET / HTTP/11\r\n", .malformedRequestLine),
        ("GET / HTTP/1.1\n", .malformedRequestLine),
        ("\r\n\r\n", .malformedRequestLine),
        ("\u{16}\u{3}\u{1}", .malformedRequestLine),
        ("G{T / HTTP/1.1\r\n", .invalidMethod),
        (String(repeating: "G", count: 33) + " / HTTP/1.1\r\n", .invalidMethod),
        ("GET /\u{7F} HTTP/1.1\r\n", .invalidTarget),
        ("GET /é HTTP/1.1\r\n", .invalidTarget),
        ("GET /#a HTTP/1.1\r\n", .invalidTarget),
        ("GET /\r HTTP/1.1\r\n", .invalidTarget),
        ("GET http://h/ HTTP/1.1\r\n", .invalidTarget),
        ("CONNECT h:80 HTTP/1.1\r\n", .invalidTarget),
        ("GET / HTTP/2.0\r\n", .unsupportedVersion),
        ("PRI * HTTP/2.0\r\n", .unsupportedVersion),
        ("GET / HTTP/1.2\r\n", .unsupportedVersion),
        ("GET / HTTP/0.9\r\n", .unsupportedVersion),
        (get("A : b"), .malformedField),
        (get(": b"), .malformedField),
        (get("A"), .malformedField),
        (get("A(: b"), .malformedField),
        (get("A: b\rc"), .malformedField),
        (get("A: b\r"), .malformedField),
        (get("A: b\nC: d"), .malformedField),
        (get("A: b\0"), .malformedField),
        (get("A: \u{1B}[0m"), .malformedField),
        (get("A: \u{7F}"), .malformedField),
        (get("A: b", " c"), .obsoleteLineFolding),
        (get("A: b", "\tc"), .obsoleteLineFolding),
        ("GET / HTTP/1.1\r\n Host: h\r\n\r\n", .obsoleteLineFolding),
        ("GET / HTTP/1.1\r\n\r\n", .invalidHost),
        (get("hOST: h"), .invalidHost),
        ("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", .invalidHost),
        ("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", .invalidHost),
        ("GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", .invalidHost),
        (get("Content-Length: 1", "Transfer-Encoding: chunked"), .ambiguousLength),
        (get("Transfer-Encoding: chunked", "Content-Length: 1"), .ambiguousLength),
        (get("Content-Length: 1", "Content-Length: 2"), .ambiguousLength),
        (get("Content-Length: 1", "Content-Length: 1"), .ambiguousLength),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", .ambiguousLength),
        (get("Content-Length: 1, 1"), .invalidLength),
        (get("Content-Length: +1"), .invalidLength),
        (get("Content-Length: -1"), .invalidLength),
        (get("Content-Length: 0x1"), .invalidLength),
        (get("Content-Length: 1 2"), .invalidLength),
        (get("Content-Length:"), .invalidLength),
        (get("Content-Length: ١"), .invalidLength),
        (get("Transfer-Encoding: gzip, chunked"), .unsupportedTransferCoding),
        (get("Transfer-Encoding: chunked, chunked"), .unsupportedTransferCoding),
        (get("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), .unsupportedTransferCoding),
        (get("Transfer-Encoding: \u{B}chunked"), .malformedField),
        (get("Transfer-Encoding: xchunked"), .unsupportedTransferCoding),
        (get("Transfer-Encoding:"), .unsupportedTransferCoding),
        (get("Content-Length: 262145"), .bodyTooLarge),
        (get("Content-Length: 99999999999999999999999999"), .bodyTooLarge),
        (get("Transfer-Encoding: chunked") + "g\r\n", .malformedChunk),
        (get("Transfer-Encoding: chunked") + "\r\n", .malformedChunk),
        (get("Transfer-Encoding: chunked") + "-1\r\n", .malformedChunk),
        (get("Transfer-Encoding: chunked") + "0x1\r\n", .malformedChunk),
        (get("Transfer-Encoding: chunked") + "1\n", .malformedChunk),
        (get("Transfer-Encoding: chunked") + "1 a\r\n", .malformedChunk),
        (get("Transfer-Encoding: chunked") + "1\r\nab\r\n", .malformedChunk),
        (get("Transfer-Encoding: chunked") + "1\r\na\n", .malformedChunk),
        (get("Transfer-Encoding: chunked") + "1111111111111111\r\n", .malformedChunk),
        (get("Transfer-Encoding: chunked") + "1;" + String(repeating: "a", count: 255) + "\r\n", .malformedChunk),
        (get("Transfer-Encoding: chunked") + "40001\r\n", .bodyTooLarge),
        (get("Transfer-Encoding: chunked") + "0\r\nbad\r\n\r\n", .malformedField),
    ]

    @Test(arguments: faults) func `what two readers could read differently is refused`(_ text: String, _ fault: HTTPFault) {
        #expect(parse(text).fault == fault)
        #expect(parse(text, pieces: 1).fault == fault)
    }

    @Test func `a fault is thrown again and nothing is read after it`() {
        var parser = HTTPRequestParser()
        parser.append(Array("GET / HTTP/3.0\r\n\r\n".utf8))
        #expect(throws: HTTPFault.unsupportedVersion) { try parser.next() }
        parser.append(Array(get().utf8))
        #expect(throws: HTTPFault.unsupportedVersion) { try parser.next() }
    }

    @Test func `every limit holds at the bound and refuses one past it`() {
        let limits = HTTPLimits(maxHeadBytes: 200, maxFields: 3, maxTargetBytes: 20, maxBodyBytes: 10)
        func fault(_ text: String) -> HTTPFault? {
            let whole = parse(text, limits: limits).fault
            #expect(whole == parse(text, pieces: 1, limits: limits).fault)
            return whole
        }
        func target(_ bytes: Int) -> String {
            "GET /" + String(repeating: "a", count: bytes - 1) + " HTTP/1.1\r\nHost: h\r\n\r\n"
        }
        #expect(fault(target(20)) == nil)
        #expect(fault(target(21)) == .targetTooLong)
        #expect(fault("GET /" + String(repeating: "a", count: 100)) == .targetTooLong)
        let overhead = get("A: ").utf8.count
        #expect(fault(get("A: " + String(repeating: "v", count: 200 - overhead))) == nil)
        #expect(fault(get("A: " + String(repeating: "v", count: 201 - overhead))) == .headTooLarge)
        #expect(fault("GET / HTTP/1.1\r\nA: " + String(repeating: "v", count: 300)) == .headTooLarge)
        #expect(fault(get("A: 1", "B: 2")) == nil)
        #expect(fault(get("A: 1", "B: 2", "C: 3")) == .headTooLarge)
        #expect(fault(get("Content-Length: 10")) == nil)
        #expect(fault(get("Content-Length: 11")) == .bodyTooLarge)
        let chunked = get("Transfer-Encoding: chunked")
        #expect(fault(chunked + "5\r\n12345\r\n5\r\n") == nil)
        #expect(fault(chunked + "5\r\n12345\r\n6\r\n") == .bodyTooLarge)
        #expect(fault(chunked + "0\r\nT: " + String(repeating: "v", count: 210)) == .headTooLarge)
    }

    @Test(arguments: HTTPFault.allCases) func `every fault has a status an answer can carry`(_ fault: HTTPFault) {
        let bytes = HTTPResponse(fault).serialized(keepsAlive: false)
        #expect(String(decoding: bytes, as: UTF8.self).hasPrefix("HTTP/1.1 \(fault.status) "))
        #expect([400, 413, 414, 431, 505].contains(fault.status))
    }

    @Test func `keeping the connection follows the version and the Connection field`() {
        func keeps(_ minor: Int, _ connection: String?) -> Bool {
            var head = HTTPRequestHead(method: "GET", target: "/", minorVersion: minor)
            if let connection { head.fields.add("Connection", connection) }
            return head.keepsAlive
        }
        #expect(keeps(1, nil))
        #expect(!keeps(1, "foo, Close"))
        #expect(!keeps(0, nil))
        #expect(keeps(0, "Keep-Alive"))
        #expect(!keeps(0, "keep-alive, close"))
    }

    @Test func `a large body that arrives in small pieces costs linear work`() {
        let limits = HTTPLimits(maxBodyBytes: 4 << 20)
        let text = get("Content-Length: \(4 << 20)") + String(repeating: "x", count: 4 << 20)
        let clock = ContinuousClock()
        var events = 0
        // Quadratic copying would move some 16 GB here.
        let time = clock.measure { events = parse(text, pieces: 512, limits: limits).events.count }
        #expect(events == 2)
        #expect(time < .seconds(5))
    }
}
