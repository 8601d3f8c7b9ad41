import Glibc
import Testing

@testable import Gateway

/// In a process of its own, for the limit is the process's.
@Suite struct ExhaustionTests {
    @Test func `a server that ran out of descriptors serves again when it has some`() async {
        await #expect(processExitsWith: .success) {
            var limit = rlimit(rlim_cur: 64, rlim_max: 64)
            try #require(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
            let server = try EchoServer(port: 0)
            var clients: [PlainSocket] = []
            while let client = try? PlainSocket(port: server.port) { clients.append(client) }
            try #require(clients.count > 10)
            clients = []
            for _ in 0..<500 {
                if let client = try? PlainSocket(port: server.port),
                    (try? client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")) != nil,
                    let answer = try? client.receiveAll(), answer.starts(with: "HTTP/1.1 404".utf8)
                {
                    return
                }
                try await Task.sleep(for: .milliseconds(20))
            }
            Issue.record("nobody is served any more")
        }
    }
}
