import HTTPCodec
import Synchronization
import Testing

@testable import AWSClient

@Suite(.timeLimit(.minutes(1))) struct CurlTransportTests {
    static func request(_ peer: HTTPPeer, _ path: String = "/", method: String = "POST", body: [UInt8] = []) -> OutgoingRequest {
        OutgoingRequest(method: method, url: peer.url + path, fields: ["Host": "example.com"], body: body)
    }

    static func outcome(
        _ transport: CurlTransport, _ request: OutgoingRequest, timeout: Duration = .seconds(20)
    ) async -> Result<HTTPResponse, TransportFailure> {
        do throws(TransportFailure) {
            return .success(try await transport.send(request, timeout: timeout))
        } catch {
            return .failure(error)
        }
    }

    static func isLost(_ outcome: Result<HTTPResponse, TransportFailure>) -> Bool {
        if case .failure(.lost) = outcome { true } else { false }
    }

    static let ok = HTTPResponse(status: 200, body: Array("fine".utf8))

    @Test func `requests one after the other share a connection`() async throws {
        let peer = HTTPPeer { _ in .response(Self.ok) }
        let transport = CurlTransport()
        for _ in 0..<20 {
            let answer = try await transport.send(Self.request(peer), timeout: .seconds(20))
            #expect(answer.status == 200)
            #expect(answer.body == Array("fine".utf8))
        }
        #expect(peer.connections == 1)
        #expect(peer.requests.count == 20)
    }

    @Test func `a request is sent as it is and nothing is added`() async throws {
        let peer = HTTPPeer { _ in .response(Self.ok) }
        var request = Self.request(peer, "/dev/@connections/../abc%3D?b=1&a", body: Array("body".utf8))
        request.fields.add("X-Amz-Target", "DynamoDB.ListTables")
        request.fields.add("X-Forged", "a\r\nX-Other: b\u{0}c")
        _ = try await CurlTransport().send(request, timeout: .seconds(20))
        let received = try #require(peer.requests.first)
        #expect(received.head.method == "POST")
        #expect(received.head.target == "/dev/@connections/../abc%3D?b=1&a")
        #expect(received.body == Array("body".utf8))
        var names: [String: String] = [:]
        for field in received.head.fields { names[field.name] = field.value }
        #expect(names == [
            "Host": "example.com", "X-Amz-Target": "DynamoDB.ListTables", "X-Forged": "a  X-Other: b c", "Content-Length": "4",
        ])
    }

    @Test(arguments: [("GET", nil), ("DELETE", nil), ("POST", "0"), ("PUT", "0")] as [(String, String?)])
    func `a method without a body`(_ method: String, _ length: String?) async throws {
        let peer = HTTPPeer { _ in .response(Self.ok) }
        let transport = CurlTransport()
        // Twice, with another between: the handle is used again.
        for request in [Self.request(peer, method: method), Self.request(peer, body: [1]), Self.request(peer, method: method)] {
            #expect(try await transport.send(request, timeout: .seconds(20)).status == 200)
        }
        for received in [peer.requests[0], peer.requests[2]] {
            #expect(received.head.method == method)
            #expect(received.head.fields.first("Content-Length") == length)
            #expect(received.body.isEmpty)
        }
    }

    @Test func `a large body goes without asking first`() async throws {
        let peer = HTTPPeer { _ in .response(Self.ok) }
        let body = [UInt8](repeating: 7, count: 3 << 20)
        _ = try await CurlTransport().send(Self.request(peer, body: body), timeout: .seconds(20))
        #expect(peer.requests.first?.body == body)
        #expect(peer.requests.first?.head.fields.first("Expect") == nil)
    }

    @Test func `thousands at once each get their answer over a bounded number of connections`() async throws {
        let peer = HTTPPeer { .response(HTTPResponse(status: 200, body: $0.body)) }
        var options = CurlTransport.Options()
        options.maxConnections = 8
        let transport = CurlTransport(options)
        let right = await withTaskGroup(of: Bool.self) { group in
            for index in 0..<3000 {
                group.addTask {
                    let body = Array("\(index)".utf8)
                    return await (try? Self.outcome(transport, Self.request(peer, body: body)).get())?.body == body
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(right == 3000)
        #expect((1...8).contains(peer.connections))
    }

    @Test func `an answer in chunks`() async throws {
        let peer = HTTPPeer { _ in
            .bytes(Array("HTTP/1.1 200 OK\r\nX-A: \t b \r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n".utf8))
        }
        let answer = try await CurlTransport().send(Self.request(peer), timeout: .seconds(20))
        #expect(answer.body == Array("abcde".utf8))
        #expect(answer.fields.first("x-a") == "b")
    }

    @Test func `an interim answer is not the answer`() async throws {
        let peer = HTTPPeer { _ in
            .bytes(Array("HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\nHTTP/1.1 201 Made\r\nContent-Length: 1\r\n\r\nx".utf8))
        }
        let answer = try await CurlTransport().send(Self.request(peer), timeout: .seconds(20))
        #expect(answer.status == 201)
        #expect(answer.fields.first("X-Early") == nil)
    }

    @Test func `a redirect is an answer as any other`() async throws {
        let peer = HTTPPeer { _ in .response(HTTPResponse(status: 302, fields: ["Location": "http://127.0.0.1:1/"])) }
        #expect(try await CurlTransport().send(Self.request(peer), timeout: .seconds(20)).status == 302)
    }

    @Test func `an IPv6 address`() async throws {
        let peer = HTTPPeer(isIPv6: true) { _ in .response(Self.ok) }
        #expect(try await CurlTransport().send(Self.request(peer), timeout: .seconds(20)).status == 200)
    }

    @Test func `a peer that says nothing runs into the timeout, and nobody else does`() async throws {
        let peer = HTTPPeer { $0.head.target == "/silent" ? .silence : .response(Self.ok) }
        let transport = CurlTransport()
        async let silent = Self.outcome(transport, Self.request(peer, "/silent"), timeout: .milliseconds(200))
        #expect(try await transport.send(Self.request(peer), timeout: .seconds(20)).status == 200)
        #expect(await silent == .failure(.timedOut))
    }

    @Test func `who waits in line runs into the timeout as well`() async throws {
        let peer = HTTPPeer { _ in .silence }
        var options = CurlTransport.Options()
        options.maxConnections = 1
        let transport = CurlTransport(options)
        let first = Task { await Self.outcome(transport, Self.request(peer)) }
        await peer.waitForRequests(1)
        #expect(await Self.outcome(transport, Self.request(peer), timeout: .milliseconds(100)) == .failure(.timedOut))
        #expect(peer.requests.count == 1)
        first.cancel()
        #expect(await first.value == .failure(.cancelled))
    }

    @Test func `one that is slow holds up nobody behind it`() async throws {
        let peer = HTTPPeer { $0.head.target == "/held" ? .held(Self.ok) : .response(Self.ok) }
        let transport = CurlTransport()
        async let held = Self.outcome(transport, Self.request(peer, "/held"))
        await peer.waitForRequests(1)
        for _ in 0..<50 { #expect(try await transport.send(Self.request(peer), timeout: .seconds(20)).status == 200) }
        peer.release()
        #expect(try await held.get().status == 200)
        #expect(peer.connections == 2)
    }

    @Test func `one host that stalls holds up no other`() async throws {
        let stalled = HTTPPeer { _ in .held(Self.ok) }
        let lively = HTTPPeer { _ in .response(Self.ok) }
        var options = CurlTransport.Options()
        options.maxConnections = 2
        let transport = CurlTransport(options)
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<20 { group.addTask { await (try? Self.outcome(transport, Self.request(stalled)).get()) == nil } }
            await stalled.waitForRequests(2)
            #expect(await (try? Self.outcome(transport, Self.request(lively)).get())?.status == 200)
            stalled.release()
            for await isMissing in group { #expect(!isMissing) }
        }
    }

    @Test(arguments: ["HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", "HTTP/1.1 200 OK\r\nContent-", ""])
    func `a connection that is reset before the end is lost`(_ sent: String) async throws {
        let peer = HTTPPeer { _ in .bytesThenReset(Array(sent.utf8)) }
        let outcome = await Self.outcome(CurlTransport(), Self.request(peer))
        #expect(Self.isLost(outcome), "\(outcome)")
    }

    @Test func `nobody listens`() async throws {
        let peer = HTTPPeer(isListening: false) { _ in .silence }
        #expect(Self.isLost(await Self.outcome(CurlTransport(), Self.request(peer))))
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n",
    ])
    func `an answer without end is refused`(_ head: String) async throws {
        let chunk = Array("10000\r\n".utf8) + [UInt8](repeating: 0, count: 65536) + Array("\r\n".utf8)
        let peer = HTTPPeer { _ in .flood(head: Array(head.utf8), part: chunk) }
        var options = CurlTransport.Options()
        options.maxBodyBytes = 1 << 20
        #expect(await Self.outcome(CurlTransport(options), Self.request(peer)) == .failure(.tooLarge))
        await peer.waitForEnds(1)
    }

    @Test func `an answer as large as allowed is taken`() async throws {
        let body = [UInt8](repeating: 1, count: 1 << 20)
        let peer = HTTPPeer { _ in .response(HTTPResponse(status: 200, body: body)) }
        var options = CurlTransport.Options()
        options.maxBodyBytes = body.count
        #expect(try await CurlTransport(options).send(Self.request(peer), timeout: .seconds(20)).body == body)
    }

    @Test func `a cancelled request ends at once, and its connection with it`() async throws {
        let peer = HTTPPeer { _ in .silence }
        let transport = CurlTransport()
        let task = Task { await Self.outcome(transport, Self.request(peer)) }
        await peer.waitForRequests(1)
        task.cancel()
        #expect(await task.value == .failure(.cancelled))
        await peer.waitForEnds(1)
    }

    @Test func `one that is cancelled while it waits in line is never sent`() async throws {
        let peer = HTTPPeer { _ in .held(Self.ok) }
        var options = CurlTransport.Options()
        options.maxConnections = 1
        let transport = CurlTransport(options)
        async let first = Self.outcome(transport, Self.request(peer))
        await peer.waitForRequests(1)
        let second = Task { await Self.outcome(transport, Self.request(peer, "/second")) }
        second.cancel()
        #expect(await second.value == .failure(.cancelled))
        peer.release()
        #expect(try await first.get().status == 200)
        #expect(try await transport.send(Self.request(peer, "/third"), timeout: .seconds(20)).status == 200)
        #expect(peer.requests.map(\.head.target) == ["/", "/third"])
    }

    @Test func `connections end with the transport`() async throws {
        let peer = HTTPPeer { _ in .response(Self.ok) }
        for round in 1...5 {
            _ = try await CurlTransport().send(Self.request(peer), timeout: .seconds(20))
            await peer.waitForEnds(round)
        }
    }

    @Test func `a connection that the peer has closed is opened anew`() async throws {
        let peer = HTTPPeer { request in
            request.head.target == "/last" ? .bytesThenReset(Array("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".utf8)) : .response(Self.ok)
        }
        let transport = CurlTransport()
        #expect(try await transport.send(Self.request(peer, "/last"), timeout: .seconds(20)).status == 200)
        await peer.waitForEnds(1)
        #expect(try await transport.send(Self.request(peer), timeout: .seconds(20)).status == 200)
        #expect(peer.connections == 2)
    }
}
