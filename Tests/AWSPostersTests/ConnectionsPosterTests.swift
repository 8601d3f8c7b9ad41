import AWSClient
import ChatBroadcast
import ChatModel
import Synchronization
import Testing

@testable import AWSPosters

@Suite(.timeLimit(.minutes(5))) struct ConnectionsPosterTests {
    static let frame = Array(#"{"type":"message"}"#.utf8)

    func poster(
        _ aws: FakeAWS, _ service: ConnectionsPoster.Service = .apiGateway, lines: Lines = Lines()
    ) throws -> ConnectionsPoster {
        let endpoint = try ManagementEndpoint("https://abc.execute-api.eu-west-1.amazonaws.com/dev/")
        return ConnectionsPoster(caller: aws, endpoint: endpoint, service: service, log: lines.log)
    }

    @Test func `a post is one signed request to the connection`() async throws {
        let aws = FakeAWS()
        let delivery = try await poster(aws).post(Self.frame, to: [ConnectionID("L0SM9/+vHcCIhw=")!])
        #expect(delivery == Delivery())
        #expect(aws.requests == [
            AWSRequest(
                .management, endpoint: "https://abc.execute-api.eu-west-1.amazonaws.com/dev", path: "/@connections/L0SM9%2F%2BvHcCIhw%3D",
                fields: ["Content-Type": "application/octet-stream"], body: Self.frame, timeout: .seconds(2))
        ])
    }

    @Test func `closing has no code on AWS, and one on the local server`() async throws {
        let aws = FakeAWS()
        try await poster(aws).close(ConnectionID("a=")!, .removed)
        try await poster(aws, .localServer(token: "secret")).close(ConnectionID("a=")!, .removed)
        try await poster(aws, .localServer(token: nil)).close(ConnectionID("a=")!, .tokenExpired)
        #expect(aws.requests.map(\.method) == ["DELETE", "DELETE", "DELETE"])
        #expect(aws.requests.map(\.path) == ["/@connections/a%3D", "/@connections/a%3D?code=4403", "/@connections/a%3D?code=4401"])
        #expect(aws.requests.map { $0.fields.first("Authorization") } == [nil, "Bearer secret", nil])
    }

    @Test(arguments: [1, 255, 256, 257, 3000])
    func `everyone is posted to once, and no more are handed over than may be`(count: Int) async throws {
        let aws = FakeAWS { _ in
            for _ in 1...3 { await Task.yield() }
            return AWSResponse(status: 200)
        }
        let delivery = try await poster(aws).post(Self.frame, to: ids(count))
        #expect(delivery == Delivery())
        #expect(aws.most <= ConnectionsPoster.groups * ConnectionsPoster.together)
        #expect(aws.requests.map(\.path).sorted() == ids(count).map { "/@connections/\($0.text.dropLast())%3D" }.sorted())
    }

    @Test func `few large frames are handed over at once`() async throws {
        let aws = FakeAWS { _ in
            for _ in 1...3 { await Task.yield() }
            return AWSResponse(status: 200)
        }
        let frame = [UInt8](repeating: 0x61, count: 128 << 10)
        #expect(try await poster(aws).post(frame, to: ids(600)) == Delivery())
        #expect(aws.most * frame.count <= ConnectionsPoster.groups * ConnectionsPoster.bytesTogether)
        #expect(aws.requests.count == 600)
    }

    @Test func `a member that does not answer keeps nobody else waiting`() async throws {
        let slow = Gate(opensAt: .max), others = Mutex(0)
        let aws = FakeAWS { request throws(AWSError) in
            guard request.path.hasSuffix("conn-3%3D") else {
                // The last of the others lets the slow one go: it would wait for ever if one of them waited for it.
                if others.withLock({ $0 += 1; return $0 }) == 499 { slow.open() }
                return AWSResponse(status: 200)
            }
            await slow.pass()
            throw .timedOut
        }
        let delivery = try await poster(aws).post(Self.frame, to: ids(500))
        #expect(delivery == Delivery(failed: [ids(4)[3]]))
    }

    @Test func `who is gone and who failed is told in the order given, and logged by kind`() async throws {
        let lines = Lines()
        let aws = FakeAWS { request throws(AWSError) in
            guard let number = Int(request.path.split(separator: "-")[1].prefix { $0.isNumber }) else { return AWSResponse(status: 500) }
            switch number % 10 {
            case 1: throw refused(410, "GoneException")
            case 2: throw refused(429, "LimitExceededException")
            case 3: throw refused(503)
            case 4: throw .timedOut
            case 5: throw .unreachable("connection reset \(number)")
            case 6: throw refused(403, "ForbiddenException")
            case 7: throw refused(413, "PayloadTooLargeException")
            case 8: throw .noCredentials("nowhere")
            default: return AWSResponse(status: 200)
            }
        }
        let all = ids(300)
        let delivery = try await poster(aws, lines: lines).post(Self.frame, to: all)
        #expect(delivery.gone == stride(from: 1, to: 300, by: 10).map { all[$0] })
        #expect(delivery.failed == all.indices.filter { (2...8).contains($0 % 10) }.map { all[$0] })
        #expect(lines.all.count == 7, "one line for each kind: \(lines.all)")
        #expect(lines.all.allSatisfy { $0.contains("count=30") && $0.contains("of=300") })
        #expect(lines.count("warning") + lines.count("WARN") == 4, "what passes by itself: \(lines.all)")
        #expect(lines.count("413 PayloadTooLargeException") == 1)
        #expect(aws.requests.count == 300, "the caller tries again, the poster does not")
    }

    @Test func `gone connections are closed already, and other failures are logged`() async throws {
        let lines = Lines()
        #expect(try await poster(FakeAWS { _ throws(AWSError) in throw refused(410) }, lines: lines).close(ids(1)[0], .goingAway) == .absent)
        #expect(lines.all.isEmpty)
        #expect(try await poster(FakeAWS { _ throws(AWSError) in throw refused(403) }, lines: lines).close(ids(1)[0], .goingAway) == .failed)
        #expect(lines.count("close failed") == 1)
    }

    @Test func `a post has its own deadline, or the function's if that is nearer`() async throws {
        let deadlines = Mutex<[ContinuousClock.Instant?]>([])
        let aws = FakeAWS { _ in
            deadlines.withLock { $0.append(AWSDeadline.current) }
            return AWSResponse(status: 200)
        }
        let poster = try poster(aws)
        let begin = ContinuousClock.now
        for functions in [nil, begin + .seconds(1), begin + .seconds(3600)] {
            await AWSDeadline.$current.withValue(functions) {
                _ = await poster.post(Self.frame, to: ids(1))
                _ = await poster.post(Self.frame, to: ids(10))
                await poster.close(ids(1)[0], .goingAway)
            }
            let end = ContinuousClock.now
            let own = begin + ConnectionsPoster.timeout...end + ConnectionsPoster.timeout
            let seen = deadlines.withLock { seen in
                defer { seen = [] }
                return seen
            }
            #expect(seen.count == 12)
            let isNear = functions.map { $0 < own.lowerBound } ?? false
            #expect(seen.allSatisfy { $0.map { isNear ? $0 == functions : own.contains($0) } ?? false })
        }
    }

    @Test func `without an endpoint all fail, and the log says what to set`() async throws {
        let aws = FakeAWS(), lines = Lines()
        let poster = ConnectionsPoster(caller: aws, endpoint: try ManagementEndpoint(), log: lines.log)
        #expect(await poster.post(Self.frame, to: ids(3)) == Delivery(failed: ids(3)))
        #expect(await poster.post(Self.frame, to: []) == Delivery())
        await poster.close(ids(1)[0], .goingAway)
        #expect(aws.requests.isEmpty)
        #expect(lines.count("WEBSOCKET_ENDPOINT") == 2)
    }
}
