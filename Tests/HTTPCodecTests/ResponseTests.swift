import HTTPCodec
import Testing

private func responses(
    _ text: String, to method: String = "GET", pieces size: Int = .max, closes: Bool = false
) -> (events: [HTTPResponseParser.Event], fault: HTTPFault?) {
    var parser = HTTPResponseParser(requestMethod: method)
    var events: [HTTPResponseParser.Event] = []
    var rest = Array(text.utf8)[...]
    do throws(HTTPFault) {
        while !rest.isEmpty {
            parser.append(Array(rest.prefix(size)))
            rest = rest.dropFirst(size)
            while let event = try parser.next() { events.append(event) }
        }
        if closes, let last = try parser.finish() { events.append(last) }
        return (events, nil)
    } catch {
        return (events, error)
    }
}

@Suite struct ResponseTests {
    @Test func `what is serialized is parsed back`() {
        let response = HTTPResponse(status: 200, text: "hello", fields: ["X-A": "1"])
        let text = String(decoding: response.serialized(), as: UTF8.self)
        #expect(
            text
                == "HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello")
        for size in 1...text.utf8.count {
            let (events, fault) = responses(text + text, pieces: size)
            #expect(fault == nil)
            #expect(events.count == 4)
            #expect(events.last == .body(Array("hello".utf8)))
        }
    }

    @Test func `a request serializes with its length`() {
        let request = HTTPRequest(method: "POST", target: "/a?b", fields: ["Host": "h"])
        #expect(
            String(decoding: request.serialized(), as: UTF8.self)
                == "POST /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
    }

    @Test func `no value can add a field or end the head`() {
        let response = HTTPResponse(status: 401, fields: ["X": "a\r\nSet-Cookie: b\0", "bad name": "c", "": "d"])
        #expect(
            String(decoding: response.serialized(keepsAlive: false), as: UTF8.self)
                == "HTTP/1.1 401 Unauthorized\r\nX: a  Set-Cookie: b \r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    }

    @Test func `statuses without a body send none`() {
        let bytes = HTTPResponse(status: 204, body: [1]).serialized()
        #expect(String(decoding: bytes, as: UTF8.self) == "HTTP/1.1 204 No Content\r\n\r\n")
        let head = HTTPResponse(status: 200, text: "abc").serialized(answersHEAD: true)
        #expect(String(decoding: head, as: UTF8.self).hasSuffix("Content-Length: 3\r\n\r\n"))
    }

    static let bodies: [(String, String, Bool, [UInt8])] = [
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", false, [97, 98]),
        ("GET", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", false, []),
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", false, []),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n", false, []),
        ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", false, []),
        ("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", false, [97]),
        ("GET", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 \r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", false, [97]),
        ("GET", "HTTP/1.0 200 OK\r\n\r\nabc", true, [97, 98, 99]),
        ("GET", "HTTP/1.1 200 OK\r\n\r\n", true, []),
    ]

    @Test(arguments: bodies) func `the end of a body is found by every rule`(
        _ method: String, _ text: String, _ closes: Bool, _ body: [UInt8]
    ) {
        for size in 1...text.utf8.count {
            let (events, fault) = responses(text, to: method, pieces: size, closes: closes)
            #expect(fault == nil)
            #expect(events.count == 2)
            #expect(events.last == .body(body))
        }
    }

    static let faults: [(String, HTTPFault)] = [
        ("HTTP/1.1 20 OK\r\n", .malformedStatusLine),
        ("HTTP/1.1 2000 OK\r\n", .malformedStatusLine),
        ("HTTP/1.1 099 OK\r\n", .malformedStatusLine),
        ("HTTP/1.1 OK\r\n", .malformedStatusLine),
        ("HTTP/1.1 200 O\rK\r\n", .malformedStatusLine),
        ("HTTP/1.1 200 OK\n", .malformedStatusLine),
        ("SSH-2.0-x\r\n", .malformedStatusLine),
        ("HTTP/2.0 200 OK\r\n", .unsupportedVersion),
        ("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", .invalidLength),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", .ambiguousLength),
        ("HTTP/1.1 200 OK\r\nContent-Length: 262145\r\n\r\n", .bodyTooLarge),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na", .truncated),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", .truncated),
        ("HTTP/1.1 200 OK\r\nA: b", .truncated),
        ("HTT", .truncated),
    ]

    @Test(arguments: faults) func `a broken response is refused`(_ text: String, _ fault: HTTPFault) {
        #expect(responses(text, closes: true).fault == fault)
        #expect(responses(text, pieces: 1, closes: true).fault == fault)
    }

    @Test func `the bytes after a switch of protocols are left alone`() throws {
        var parser = HTTPResponseParser()
        parser.append(Array("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\u{1}".utf8))
        guard case .head(let head)? = try parser.next() else {
            Issue.record("no head")
            return
        }
        #expect(head.status == 101)
        #expect(parser.takeRemainder() == [1])
    }
}
