import HTTPCodec
import Testing

@testable import AWSClient

@Suite(.timeLimit(.minutes(1))) struct WebDocumentTests {
    static let limit = 1000

    static func outcome(_ peer: HTTPPeer, _ path: String = "/keys") async throws -> Result<[UInt8], WebDocumentError> {
        let document = try #require(WebDocument(peer.url + path, maxBytes: limit, authorities: nil))
        do throws(WebDocumentError) {
            return .success(try await document.read())
        } catch {
            return .failure(error)
        }
    }

    static func isUnreachable(_ outcome: Result<[UInt8], WebDocumentError>) -> Bool {
        if case .failure(.unreachable) = outcome { true } else { false }
    }

    @Test func `a document is asked for and no connection is left`() async throws {
        let peer = HTTPPeer { _ in .response(HTTPResponse(status: 200, body: Array("fine".utf8))) }
        #expect(try await Self.outcome(peer, "/a/../keys?v=1&x") == .success(Array("fine".utf8)))
        let request = try #require(peer.requests.first)
        #expect(request.head.method == "GET" && request.head.target == "/a/../keys?v=1&x")
        var names: [String: String] = [:]
        for field in request.head.fields { names[field.name] = field.value }
        #expect(names == [
            "Host": "127.0.0.1:\(peer.port)", "Accept": "application/json", "User-Agent": "muster", "Connection": "close",
        ])
    }

    @Test(arguments: [0, 1, limit, limit + 1, 1 << 20]) func `a document is whole or too large`(_ count: Int) async throws {
        let body = [UInt8](repeating: 7, count: count)
        let peer = HTTPPeer { _ in .response(HTTPResponse(status: 200, body: body)) }
        #expect(try await Self.outcome(peer) == (count <= Self.limit ? .success(body) : .failure(.tooLarge)))
    }

    @Test func `a document without an end is left where it is too large`() async throws {
        let head = Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
        let peer = HTTPPeer { _ in .flood(head: head, part: Array("4\r\nkeys\r\n".utf8)) }
        #expect(try await Self.outcome(peer) == .failure(.tooLarge))
    }

    @Test(arguments: [201, 204, 206, 301, 302, 304, 307, 401, 404, 500, 503]) func `another status counts for nothing`(_ status: Int) async throws {
        let other = HTTPPeer { _ in .response(HTTPResponse(status: 200, body: Array("forged".utf8))) }
        let peer = HTTPPeer { _ in
            .response(HTTPResponse(status: status, fields: ["Location": "\(other.url)/"], body: status == 204 || status == 304 ? [] : [1]))
        }
        #expect(try await Self.outcome(peer) == .failure(.status(status)))
        #expect(other.requests.isEmpty)
    }

    @Test func `an answer that ends too soon is none`() async throws {
        let peer = HTTPPeer { _ in .bytesThenReset(Array("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfin".utf8)) }
        #expect(Self.isUnreachable(try await Self.outcome(peer)))
        let nobody = HTTPPeer(isListening: false) { _ in .silence }
        #expect(Self.isUnreachable(try await Self.outcome(nobody)))
    }

    @Test func `nobody waits beyond the deadline around`() async throws {
        let transport = ScriptedTransport([.failure(.timedOut)])
        let document = try #require(WebDocument("https://issuer.example/keys", transport: transport))
        await #expect(throws: WebDocumentError.timedOut) { try await document.read() }
        for time in [Duration.seconds(2), .seconds(60), .zero, .milliseconds(50)] {
            _ = await AWSDeadline.within(time) { await #expect(throws: WebDocumentError.timedOut) { try await document.read() } }
        }
        // Whoever has no time left asks nobody.
        let timeouts = transport.sent.map(\.timeout)
        #expect(timeouts.count == 3 && timeouts[0] == WebDocument.timeout && timeouts[2] == WebDocument.timeout)
        #expect(timeouts[1] <= .seconds(2) - AWSDeadline.reserve)
    }

    @Test func `a task that is cancelled does not wait`() async throws {
        let peer = HTTPPeer { _ in .silence }
        let task = Task { try await Self.outcome(peer) }
        await peer.waitForRequests(1)
        task.cancel()
        #expect(try await task.value == .failure(.cancelled))
    }
}
