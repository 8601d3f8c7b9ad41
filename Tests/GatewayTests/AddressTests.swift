import ChatModel
import Testing

@testable import Gateway

@Suite struct AddressTests {
    private func address(_ text: String) throws -> SocketAddress { try #require(SocketAddress(host: text, isLiteral: true)) }

    @Test(arguments: [
        ("127.0.0.1", true), ("127.255.255.254", true), ("::1", true), ("::ffff:127.0.0.1", true), ("0.0.0.0", false), ("::", false),
        ("128.0.0.1", false), ("126.255.255.255", false), ("10.0.0.1", false), ("::ffff:10.0.0.1", false), ("::2", false),
        ("fe80::1", false), ("2001:db8::1", false), ("::127.0.0.1", false), ("1::1", false), ("::ffff:0:127.0.0.1", false),
    ])
    func `loopback is what no other machine reaches`(text: String, isLoopback: Bool) throws {
        #expect(try address(text).isLoopback == isLoopback)
        #expect(Gateway.isLoopback(text) == isLoopback)
    }

    @Test(arguments: ["127.example", "127.evil.example", "localhost", "127.0.0.1.example", "", "127.0.0.1:80", "[::1]"])
    func `a name is no literal`(text: String) {
        #expect(SocketAddress(host: text, isLiteral: true) == nil)
    }

    @Test func `a management listener that others reach is refused without a token`() {
        for host in ["0.0.0.0", "::"] {
            var configuration = GatewayConfiguration()
            (configuration.port, configuration.managementPort, configuration.managementHost) = (0, 0, host)
            #expect(throws: GatewayError.managementExposed(host: host)) { _ = try Gateway(configuration) }
            configuration.managementToken = "a token of sixteen bytes"
            #expect(throws: Never.self) { _ = try Gateway(configuration) }
        }
    }

    @Test func `an address has so many connections and one more is refused, until one of them is gone`() throws {
        let counts = AddressCounts(AddressLimit(connections: 3))
        let one = try address("10.0.0.1"), other = try address("10.0.0.2")
        #expect((1...5).map { _ in counts.enter(one) } == [true, true, true, false, false])
        #expect(counts.enter(other))
        counts.leave(one)
        #expect([counts.enter(one), counts.enter(one)] == [true, false])
        for _ in 1...3 { counts.leave(one) }
        counts.leave(other)
        #expect(counts.count == 0, "an address without connections is forgotten")
    }

    @Test(arguments: [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true), ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
        ("10.0.0.1", "::ffff:10.0.0.1", true), ("10.0.0.1", "10.0.0.1", true), ("10.0.0.1", "::a00:1", false), ("0.0.0.1", "::5", false),
    ])
    func `addresses of one customer are one`(first: String, second: String, areOne: Bool) throws {
        let counts = AddressCounts(AddressLimit(connections: 1, countsLoopback: true))
        #expect(counts.enter(try address(first)))
        #expect(counts.enter(try address(second)) != areOne)
    }

    @Test(arguments: [("127.0.0.1", false, true), ("::1", false, true), ("127.0.0.1", true, false), ("10.0.0.1", false, false)])
    func `loopback counts only where it is asked for`(text: String, countsLoopback: Bool, isUnlimited: Bool) throws {
        let counts = AddressCounts(AddressLimit(connections: 1, countsLoopback: countsLoopback)), address = try address(text)
        #expect(counts.enter(address))
        #expect(counts.enter(address) == isUnlimited)
        counts.leave(address)
    }

    @Test func `no limit counts nothing`() throws {
        let counts = AddressCounts(AddressLimit(connections: 0, countsLoopback: true)), address = try address("10.0.0.1")
        #expect((0..<100).allSatisfy { _ in counts.enter(address) } && counts.count == 0)
        counts.leave(address)
    }

    @Test func `the limit is exact though they come on many loops at once, and one that was refused asks no handler`() async throws {
        try await GatewayFixture.run({
            $0.threads = 3
            $0.addressLimit = AddressLimit(connections: 5, countsLoopback: true)
        }) { fixture in
            let statuses = try await withThrowingTaskGroup(of: (String, PlainSocket).self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        let socket = try PlainSocket(port: fixture.gateway.port)
                        try socket.send(PlainSocket.handshake)
                        return (try socket.receiveText(until: "\r\n\r\n"), socket)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.count { $0.0.hasPrefix("HTTP/1.1 101 ") } == 5)
            #expect(statuses.count { $0.0.hasPrefix("HTTP/1.1 429 ") } == 15)
            #expect(fixture.handlers.events(.connect).count == 5)
            for (_, socket) in statuses { socket.close() }
            _ = try await eventually { fixture.handlers.events(.disconnect).count == 5 ? true : nil }
            let client = try await eventually { () -> PlainSocket? in
                let socket = try PlainSocket(port: fixture.gateway.port)
                try socket.send(PlainSocket.handshake)
                return try socket.receiveText(until: "\r\n\r\n").hasPrefix("HTTP/1.1 101 ") ? socket : nil
            }
            client.close()
        }
    }

    @Test func `a connection that its handler refused gives its place back`() async throws {
        let handlers = ScriptedHandlers { _, _ in .init(.init(statusCode: 401)) }
        try await GatewayFixture.run({ $0.addressLimit = AddressLimit(connections: 1, countsLoopback: true) }, handlers: handlers) { fixture in
            for number in 1...5 {
                let answer = try await eventually { () -> String? in
                    let socket = try PlainSocket(port: fixture.gateway.port)
                    try socket.send(PlainSocket.handshake)
                    let text = try socket.receiveText(until: "\r\n\r\n")
                    return text.hasPrefix("HTTP/1.1 429 ") ? nil : text
                }
                #expect(answer.hasPrefix("HTTP/1.1 401 "))
                #expect(fixture.handlers.events(.connect).count == number)
            }
        }
    }
}
