import ChatBroadcast
import ChatModel
import HTTPCodec
import Logs
import Synchronization
import Testing

@testable import AWSClient
@testable import AWSPosters

/// The local server's management listener in AWS's place: no signatures, and nothing to sign with.
@Suite struct LocalServerTests {
    /// Answers by a list of statuses, the last for ever.
    private final class Wire: HTTPTransport {
        private let state: Mutex<(requests: [OutgoingRequest], statuses: [Int])>
        init(_ statuses: [Int]) { state = Mutex(([], statuses)) }
        var requests: [OutgoingRequest] { state.withLock { $0.requests } }

        func send(all requests: [OutgoingRequest], timeout: Duration) async -> [Result<HTTPResponse, TransportFailure>] {
            requests.map { .success(answer($0)) }
        }

        private func answer(_ request: OutgoingRequest) -> HTTPResponse {
            state.withLock { state in
                state.requests.append(request)
                let status = state.statuses.count > 1 ? state.statuses.removeFirst() : state.statuses[0]
                // What AWS says of a wrong clock must not set ours by it.
                return HTTPResponse(status: status, fields: ["Date": "Sat, 01 Jan 2000 00:00:00 GMT"])
            }
        }
    }

    private func poster(_ wire: Wire, token: String?) throws -> ConnectionsPoster {
        let environment = ["AWS_REGION": "local", "AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent"]
        var surroundings = Surroundings.system
        surroundings.sleep = { _ in }
        // A machine with much to do must not let the posts' time run out.
        let start = ContinuousClock.now
        surroundings.now = { start }
        let client = AWSClient(try AWSConfiguration { environment[$0] }, log: .silent, transport: wire, surroundings: surroundings)
        let endpoint = try ManagementEndpoint("http://127.0.0.1:8081/local")
        return ConnectionsPoster(caller: client, endpoint: endpoint, service: .localServer(token: token), log: .silent)
    }

    @Test(arguments: ["secret", nil])
    func `posts and closes are unsigned, with the listener's token`(token: String?) async throws {
        let wire = Wire([200])
        let poster = try poster(wire, token: token)
        #expect(await poster.post(Array("{}".utf8), to: [ConnectionID("a=")!]) == Delivery())
        await poster.close(ConnectionID("a=")!, .removed)
        var fields = HTTPFields()
        if let token { fields.add("Authorization", "Bearer \(token)") }
        fields.add("Host", "127.0.0.1:8081")
        let url = "http://127.0.0.1:8081/local/@connections/a%3D"
        #expect(wire.requests == [
            OutgoingRequest(method: "POST", url: url, fields: fields, body: Array("{}".utf8)),
            OutgoingRequest(method: "DELETE", url: url + "?code=4403", fields: fields),
        ])
    }

    @Test(arguments: [([503, 503, 200], Delivery(), 3), ([401], Delivery(failed: ids(1)), 1), ([410], Delivery(gone: ids(1)), 1)])
    func `what it answers counts as on AWS`(statuses: [Int], delivery: Delivery, tries: Int) async throws {
        let wire = Wire(statuses)
        #expect(try await poster(wire, token: "wrong").post(Array("{}".utf8), to: ids(1)) == delivery)
        #expect(wire.requests.count == tries)
    }
}
