import ChatModel
import Foundation
import HTTPCodec
import JSONCoding
import TestSupport
import Testing
import WebSocketCodec

@testable import Gateway

@Suite struct ManagementTests {
    struct Answer {
        let status: Int
        let errorType: String?
        let body: String
    }

    /// One request on a connection of its own.
    static func request(
        _ fixture: GatewayFixture, _ method: String, _ path: String, body: [UInt8] = [], token: String? = nil
    ) async throws -> Answer {
        var fields: HTTPFields = ["Host": "localhost", "Connection": "close"]
        if let token { fields.add("Authorization", token) }
        let socket = try PlainSocket(port: fixture.gateway.managementPort)
        try socket.send(HTTPRequest(method: method, target: path, fields: fields, body: body).serialized())
        var parser = HTTPResponseParser(requestMethod: method)
        parser.append(try socket.receiveAll())
        guard case .head(let head) = try parser.next(), case .body(let text) = try parser.next() ?? parser.finish() else {
            throw HTTPFault.truncated
        }
        return Answer(
            status: head.status, errorType: head.fields.first("x-amzn-errortype"), body: String(decoding: text, as: UTF8.self))
    }

    private func path(_ id: ConnectionID) -> String { "/@connections/\(PercentCoding.encoded(id.text))" }

    @Test(arguments: ["", "/local"])
    func `a post is one text frame`(stage: String) async throws {
        try await GatewayFixture.run { fixture in
            let client = try await fixture.connect()
            let body = Array(#"{"type":"x","text":"é"}"#.utf8)
            let answer = try await Self.request(fixture, "POST", stage + path(fixture.lastID), body: body)
            #expect(answer.status == 200)
            #expect(answer.body.isEmpty)
            #expect(try await client.receive() == .text(#"{"type":"x","text":"é"}"#))
        }
    }

    @Test func `a connection is described with its times and its client`() async throws {
        let clock = TurnedClock()
        try await GatewayFixture.run({ $0.clock = clock }) { fixture in
            let client = try await WebSocketTestClient.connect(port: fixture.gateway.port, headers: ["User-Agent": "tests/1"])
            clock.advance(by: .seconds(5))
            try client.send(text: "{}")
            _ = try await eventually { fixture.handlers.events(.default).first }
            let answer = try await Self.request(fixture, "GET", path(fixture.lastID))
            #expect(answer.status == 200)
            let json = try JSONParser.parse(answer.body).object
            #expect(json?["connectedAt"]?.string == "2027-01-15T08:00:00.000Z")
            #expect(json?["lastActiveAt"]?.string == "2027-01-15T08:00:05.000Z")
            #expect(json?["identity"]?.object?["sourceIp"]?.string == "127.0.0.1")
            #expect(json?["identity"]?.object?["userAgent"]?.string == "tests/1")
        }
    }

    @Test(arguments: [("", 1000), ("?code=1001", 1001), ("?code=4401", 4401), ("?code=4403", 4403)])
    func `deleting closes with the code asked for`(query: String, code: UInt16) async throws {
        try await GatewayFixture.run { fixture in
            let client = try await fixture.connect()
            #expect(try await Self.request(fixture, "DELETE", path(fixture.lastID) + query).status == 204)
            guard case .close(code, _) = try await client.receive() else {
                Issue.record("not closed with \(code)")
                return
            }
            #expect(try await fixture.disconnect().context.disconnectStatusCode == Int(code))
        }
    }

    @Test(arguments: [
        ("POST", "/@connections/AAAAAAAAAAAAAAA%3D", 410, "GoneException"),
        ("GET", "/@connections/AAAAAAAAAAAAAAA%3D", 410, "GoneException"),
        ("DELETE", "/@connections/AAAAAAAAAAAAAAA=", 410, "GoneException"),
        ("POST", "/prod/@connections/AAAAAAAAAAAAAAA%3D", 403, "ForbiddenException"),
        ("POST", "/@connections/AAA%253D", 400, "BadRequestException"),
        ("POST", "/@connections/", 400, "BadRequestException"), ("POST", "/@connections/%zz", 400, "BadRequestException"),
        ("DELETE", "/@connections/AAAAAAAAAAAAAAA=?code=999", 400, "BadRequestException"),
    ])
    func `errors are those AWS clients know`(method: String, path: String, status: Int, type: String) async throws {
        try await GatewayFixture.run { fixture in
            let answer = try await Self.request(fixture, method, path, body: method == "POST" ? [0x78] : [])
            #expect(answer.status == status)
            #expect(answer.errorType == type)
            #expect(try JSONParser.parse(answer.body).object?["message"]?.string != nil)
        }
    }

    @Test func `data is bounded, and text`() async throws {
        try await GatewayFixture.run { fixture in
            let client = try await fixture.connect()
            let most = [UInt8](repeating: 0x78, count: 128 * 1024)
            #expect(try await Self.request(fixture, "POST", path(fixture.lastID), body: most).status == 200)
            #expect(try await client.receive() == .text(String(decoding: most, as: UTF8.self)))
            let larger = try await Self.request(fixture, "POST", path(fixture.lastID), body: most + [0x78])
            #expect(larger.status == 413)
            #expect(larger.errorType == "PayloadTooLargeException")
            #expect(try await Self.request(fixture, "POST", path(fixture.lastID), body: [0xFF]).status == 400)
        }
    }

    @Test func `a management token is wanted everywhere but for health`() async throws {
        try await GatewayFixture.run({
            $0.managementToken = "secret"
            $0.extraRoutes = { _ in HTTPResponse(status: 200) }
        }) { fixture in
            for path in ["/@connections/AAAAAAAAAAAAAAA%3D", "/tenants/t/online"] {
                for token in [nil, "Bearer secreT", "Bearer secret1", "secret"] {
                    let answer = try await Self.request(fixture, "GET", path, token: token)
                    #expect(answer.status == 401)
                }
            }
            #expect(try await Self.request(fixture, "GET", "/tenants/t/online", token: "Bearer secret").status == 200)
            #expect(try await Self.request(fixture, "GET", "/healthz").status == 200)
        }
    }

    @Test func `other paths are the configuration's`() async throws {
        try await GatewayFixture.run({
            $0.extraRoutes = { $0.head.path == "/tenants/t/online" ? HTTPResponse(status: 200, body: [0x78]) : nil }
        }) { fixture in
            let answer = try await Self.request(fixture, "GET", "/tenants/t/online?room=r")
            #expect(answer.body == "x")
            #expect(try await Self.request(fixture, "GET", "/elsewhere").status == 404)
        }
    }
}
