import Foundation
import ChatModel
import HTTPCodec
import Testing

@testable import Gateway

/// What a browser could do to a listener, and what answers say to it.
@Suite struct BrowserTests {
    static let security = [
        "X-Content-Type-Options: nosniff\r\n", "Referrer-Policy: no-referrer\r\n",
        "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n", "Cache-Control: no-store\r\n",
    ]

    private static func fault(_ fields: HTTPFields, host: String = "127.0.0.1", minorVersion: Int = 1) -> BrowserGuard.Fault? {
        BrowserGuard(host: host).fault(of: HTTPRequestHead(method: "POST", target: "/", fields: fields, minorVersion: minorVersion))
    }

    @Test(arguments: [
        "127.0.0.1", "127.0.0.1:8081", "127.1.2.3:1", "localhost", "localhost:8081", "LOCALHOST:8081", "[::1]", "[::1]:8081", "[::ffff:127.0.0.1]:80",
    ])
    func `this machine's own names are served`(host: String) { #expect(Self.fault(["Host": host]) == nil) }

    @Test(arguments: [
        "evil.example", "evil.example:8081", "127.evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "evil.localhost.", "0.0.0.0:8081",
        "10.0.0.1", "[::]:8081", "[fe80::1]", "", ":8081", "127.0.0.1:80:81", "[127.0.0.1", "localhost:", "x",
    ])
    func `a name that was made to point here is not`(host: String) {
        #expect(Self.fault(["Host": host]) == (host == "localhost:" ? nil : .host))
    }

    @Test func `the name it was told is its own`() {
        #expect(Self.fault(["Host": "box.local:8081"], host: "box.local") == nil)
        #expect(Self.fault(["Host": "BOX.local"], host: "Box.Local") == nil)
        #expect(Self.fault(["Host": "box.local"], host: "127.0.0.1") == .host)
        #expect(Self.fault(["Host": "[::1]:1"], host: "::1") == nil)
    }

    @Test func `another page's request is not served, its own is`() {
        for origin in ["https://evil.example", "null", "http://localhost", "http://localhost:8082", "https://localhost:8081", "file://", "", "http://127.0.0.1:8081"] {
            #expect(Self.fault(["Host": "localhost:8081", "Origin": origin]) == .origin, "\(origin)")
        }
        #expect(Self.fault(["Host": "localhost:8081", "Origin": "http://localhost:8081"]) == nil)
        #expect(Self.fault(["Host": "localhost:8081", "Origin": "http://localhost:8081", "origin": "http://evil.example"]) == .origin)
        #expect(Self.fault(["Host": "evil.example", "Origin": "http://evil.example"]) == .host)
        #expect(Self.fault([:], minorVersion: 0) == nil)
        #expect(Self.fault(["Origin": "http://evil.example"], minorVersion: 0) == .origin)
    }

    @Test func `the management listener closes nobody's connection for a page, and with a token asks for that alone`() async throws {
        let routes: @Sendable (HTTPRequest) async -> HTTPResponse? = { _ in HTTPResponse(status: 200) }
        let post = "POST /tenants/t/messages HTTP/1.1\r\nContent-Length: 0\r\nConnection: close\r\n"
        try await GatewayFixture.run({ $0.extraRoutes = routes }) { fixture in
            let port = fixture.gateway.managementPort
            for fields in ["Host: localhost\r\nOrigin: https://evil.example\r\n", "Host: evil.example\r\n"] {
                let answer1 = try await HTTPTests.exchange(port, post + fields + "\r\n")
                #expect(answer1.hasPrefix("HTTP/1.1 403 "))
            }
            let answer2 = try await HTTPTests.exchange(port, post + "Host: localhost:\(port)\r\n\r\n")
            #expect(answer2.hasPrefix("HTTP/1.1 200 "))
        }
        let token = "sixteen bytes and more"
        try await GatewayFixture.run({
            $0.extraRoutes = routes
            $0.managementToken = token
        }) { fixture in
            let port = fixture.gateway.managementPort
            let fields = "Host: chat.example\r\nOrigin: https://chat.example\r\n"
            let answer3 = try await HTTPTests.exchange(port, post + fields + "\r\n")
            #expect(answer3.hasPrefix("HTTP/1.1 401 "))
            let answer4 = try await HTTPTests.exchange(port, post + fields + "Authorization: Bearer \(token)\r\n\r\n")
            #expect(answer4.hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test func `whatever of the token is wrong, the answer is the same to the byte`() async throws {
        try await GatewayFixture.run({ $0.managementToken = "sixteen bytes and more" }) { fixture in
            var answers: Set<String> = []
            for value in [nil, "", "Bearer", "Bearer ", "Bearer x", "Bearer sixteen bytes and morE", "Bearer sixteen bytes and more!", "sixteen bytes and more", "Basic eDp5"] {
                for path in ["/@connections/AAAAAAAAAAAAAAA%3D", "/tenants/t/online", "/nothing", "/%zz"] {
                    let field = value.map { "Authorization: \($0)\r\n" } ?? ""
                    answers.insert(try await HTTPTests.exchange(
                        fixture.gateway.managementPort, "GET \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\(field)\r\n"))
                }
            }
            #expect(answers.count == 1 && answers.first?.hasPrefix("HTTP/1.1 401 ") == true)
        }
    }

    @Test(arguments: [401, 403, 429, 500])
    func `a refused handshake says its status and no more, with every field`(status: Int) async throws {
        let handlers = ScriptedHandlers { _, _ in
            .init(.init(statusCode: status, headers: ["X-Why": "because"], body: Array("because".utf8)))
        }
        try await GatewayFixture.run(handlers: handlers) { fixture in
            let socket = try PlainSocket(port: fixture.gateway.port)
            try socket.send(PlainSocket.handshake)
            let answer = String(decoding: try socket.receiveAll(), as: UTF8.self)
            #expect(answer.hasPrefix("HTTP/1.1 \(status) ") && !answer.contains("because"))
            for field in Self.security { #expect(answer.contains(field)) }
        }
    }

    @Test(arguments: [
        "GET /healthz", "GET /nothing", "HEAD /healthz", "POST /", "GET /x y", "GET /\(String(repeating: "x", count: 9000))", "DELETE /@connections/x",
    ])
    func `every answer of both listeners has its security fields, and none says who made it`(line: String) async throws {
        try await GatewayFixture.run { fixture in
            for port in [fixture.gateway.port, fixture.gateway.managementPort] {
                let answer = try await HTTPTests.exchange(port, "\(line) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                for field in Self.security { #expect(answer.components(separatedBy: field).count == 2, "\(field) once in \(answer)") }
                for word in ["server:", "x-powered-by", "muster", "date:"] { #expect(!answer.lowercased().contains(word)) }
            }
        }
    }

    @Test func `an accepted handshake is a 101 as before, and a page has a policy of its own`() async throws {
        try await GatewayFixture.run({
            $0.page = { _ in
                HTTPResponse(status: 200, text: "<p>", contentType: "text/html", fields: ["content-security-policy": "default-src 'self'", "Cache-Control": "max-age=60"])
            }
        }) { fixture in
            let socket = try PlainSocket(port: fixture.gateway.port)
            try socket.send(PlainSocket.handshake)
            let head = try socket.receiveText(until: "\r\n\r\n")
            #expect(head.hasPrefix("HTTP/1.1 101 ") && !head.contains("Content-Security-Policy"))
            let page = try await HTTPTests.exchange(fixture.gateway.port, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(page.contains("content-security-policy: default-src 'self'\r\n") && !page.contains("default-src 'none'"))
            #expect(page.contains("Cache-Control: max-age=60\r\n") && !page.contains("no-store") && page.contains("nosniff"))
        }
    }

    @Test(arguments: [
        "/../../etc/passwd", "/..", "/.", "/a/../b", "/a/./b", "/%2e%2e/etc/passwd", "/%2E%2E/%2e%2E/etc/passwd", "/.%2e/x", "/..%2fetc%2fpasswd",
        "/..%5c..%5cwindows", "/a%2f..%2fb", "/..\\x", "/%00", "/a%00.html", "/%0a", "/%zz", "/a/..", "/a/..?x=/", "/..%cc%81/..", "/..//etc/passwd",
        "//../x", "/%5c..", "/a%2f%2e%2e/x", "/..%2f%cc%81",
    ])
    func `a path that climbs never reaches the page`(path: String) async throws {
        try await GatewayFixture.run({ $0.page = { _ in HTTPResponse(status: 200, text: "the page") } }) { fixture in
            let answer = try await HTTPTests.exchange(fixture.gateway.port, "GET \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 404 ") || answer.hasPrefix("HTTP/1.1 400 "))
            #expect(!answer.contains("the page"))
        }
    }

    @Test(arguments: ["/", "/app.js", "/a/b.css", "/..app", "/a..b/c...", "/%41", "/a%20b", "/%252e%252e/x"])
    func `a path that does not climb reaches it`(path: String) async throws {
        try await GatewayFixture.run({ $0.page = { _ in HTTPResponse(status: 200, text: "the page") } }) { fixture in
            let answer = try await HTTPTests.exchange(fixture.gateway.port, "GET \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 200 "))
        }
    }
}
