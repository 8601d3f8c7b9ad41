import TestSupport
import Testing
import WebSocketCodec

@testable import Gateway

@Suite struct EchoTests {
    private func run(_ body: (EchoServer) async throws -> Void) async throws {
        let server = try EchoServer(port: 0)
        do {
            try await body(server)
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    @Test(arguments: [0, 1, 125, 126, 65535, 65536, 1 << 20, 16 << 20])
    func `binary messages of every size come back`(size: Int) async throws {
        try await run { server in
            let client = try await WebSocketTestClient.connect(port: server.port, path: "/any?x", sha1: SHA1.digest)
            let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            try client.send(binary: bytes)
            #expect(try await client.receive(timeout: .seconds(30)) == .binary(bytes))
        }
    }

    @Test func `fragments come back as one message, with a ping answered in between`() async throws {
        try await run { server in
            let client = try await WebSocketTestClient.connect(port: server.port)
            try client.sendRaw(FrameEncoder.frame(.text, Array("Hä".utf8), fin: false, mask: .random()))
            try client.ping([1, 2])
            try client.sendRaw(FrameEncoder.frame(.continuation, Array("ns".utf8), mask: .random()))
            #expect(try await client.receive() == .pong([1, 2]))
            #expect(try await client.receive() == .text("Häns"))
            try client.close(.normal)
            #expect(try await client.receive() == .close(code: 1000, reason: ""))
            #expect(try await client.receive() == .eof)
        }
    }

    @Test func `a message over 16 MB is refused on its header`() async throws {
        try await run { server in
            let client = try await WebSocketTestClient.connect(port: server.port)
            try client.sendRaw([0x82, 0xFF, 0, 0, 0, 0, 1, 0, 0, 1])
            guard case .close(let code, _) = try await client.receive() else {
                Issue.record("no close frame")
                return
            }
            #expect(code == 1009)
        }
    }
}
