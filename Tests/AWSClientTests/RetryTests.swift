import HTTPCodec
import Logs
import Synchronization
import Testing

@testable import AWSClient

@Suite struct RetryTests {
    @Test(arguments: [
        (.failure(.lost("reset")), .unreachable("reset")), (.failure(.timedOut), .timedOut), (refusal("SlowDown"), nil),
    ] as [(Result<HTTPResponse, TransportFailure>, AWSError?)])
    func `too often is no answer to an attempt that may have taken effect`(
        _ first: Result<HTTPResponse, TransportFailure>, _ told: AWSError?
    ) async throws {
        let client = try makeClient(keys, ScriptedTransport([first, refusal("ThrottlingException")]))
        let error = await failure { () async throws(AWSError) in try await client.send(anyCall) }
        if let told {
            #expect(error == told)
        } else if case .refused(let refusal) = error {
            #expect(refusal.code == "ThrottlingException")
        } else {
            Issue.record("\(String(describing: error))")
        }
    }

    @Test func `of many each is tried for itself, and they come back in order`() async throws {
        // By path: 0 is answered, 1 at the second attempt, 2 never, 3 is refused for good.
        let attempts = Mutex<[String: Int]>([:])
        let transport = ScriptedTransport { request, _ in
            let path = String(request.url.suffix(2))
            let attempt = attempts.withLock { $0[path, default: 0] += 1; return $0[path]! }
            switch path {
            case "/1": return try (attempt == 1 ? refusal("Whatever", status: 503) : success).get()
            case "/2": return try refusal("Whatever", status: 503).get()
            case "/3": return try refusal("GoneException", status: 410).get()
            default: return try success.get()
            }
        }
        let client = try makeClient(keys, transport)
        let results = await client.send(all: (0...3).map { AWSRequest(.management, path: "/\($0)") })
        let statuses = results.map { result in
            switch result {
            case .success(let response): response.status
            case .failure(.refused(let refusal)): refusal.status
            case .failure: 0
            }
        }
        #expect(statuses == [200, 200, 503, 410])
        #expect(attempts.withLock { $0 } == ["/0": 1, "/1": 2, "/2": 4, "/3": 1])
        #expect(client.counts(of: .management) == AWSCounts(calls: 4, retries: 4, throttles: 0))
        #expect(await client.send(all: []).isEmpty)
    }

    @Test(arguments: [
        refusal("ProvisionedThroughputExceededException"), refusal("ThrottlingException"), refusal("RequestLimitExceeded"),
        refusal("LimitExceededException"), refusal("SlowDown"), refusal("Whatever", status: 429), refusal("Whatever", status: 500),
        refusal("Whatever", status: 502), refusal("Whatever", status: 503), refusal("Whatever", status: 504),
        refusal("InternalServerError"), refusal("TransactionInProgressException"), .failure(.lost("reset")), .failure(.timedOut),
    ])
    func `what may pass is tried again`(_ first: Result<HTTPResponse, TransportFailure>) async throws {
        let transport = ScriptedTransport([first, success])
        let client = try makeClient(keys, transport)
        #expect(try await client.send(anyCall).status == 200)
        #expect(transport.sent.count == 2)
        #expect(client.counts(of: .dynamoDB).calls == 1)
        #expect(client.counts(of: .dynamoDB).retries == 1)
    }

    @Test(arguments: [
        refusal("ConditionalCheckFailedException"), refusal("TransactionCanceledException"), refusal("TransactionConflictException"),
        refusal("ValidationException"), refusal("ResourceNotFoundException"), refusal("GoneException", status: 410),
        refusal("", status: 501), refusal("AccessDeniedException", status: 403), .failure(.tooLarge), .failure(.unavailable("libcurl: none")),
        .failure(.cancelled),
    ])
    func `what stays as it is is not tried again`(_ first: Result<HTTPResponse, TransportFailure>) async throws {
        let transport = ScriptedTransport([first, success])
        let client = try makeClient(keys, transport)
        let error = await failure { () async throws(AWSError) in try await client.send(anyCall) }
        #expect(error != nil)
        #expect(transport.sent.count == 1)
        #expect(client.counts(of: .dynamoDB).retries == 0)
    }

    @Test func `pauses double up to their bound, and attempts are bounded`() async throws {
        let time = ManualTime()
        let transport = ScriptedTransport([refusal("ThrottlingException")])
        var variables = keys
        variables["AWS_MAX_ATTEMPTS"] = "7"
        let client = try makeClient(variables, transport, time)
        let error = await failure { () async throws(AWSError) in try await client.send(anyCall) }
        guard case .refused(let refusal) = error else { throw Unexpected() }
        #expect(refusal.code == "ThrottlingException")
        #expect(refusal.message == "because")
        #expect(transport.sent.count == 7)
        #expect(client.counts(of: .dynamoDB) == AWSCounts(calls: 1, retries: 6, throttles: 7))
        let milliseconds = time.slept.map { Int(($0 / .milliseconds(1)).rounded()) }
        #expect(milliseconds == [50, 100, 200, 400, 800, 1000])
    }

    @Test func `the jitter is full`() {
        #expect(RetryPolicy().pause(after: 3, random: 0, retryAfter: nil) == .zero)
        #expect(abs(RetryPolicy().pause(after: 3, random: 1 << 63, retryAfter: nil) / .milliseconds(1) - 100) < 0.001)
    }

    @Test func `a service may ask for a longer pause, within bounds`() {
        let policy = RetryPolicy()
        #expect(policy.pause(after: 1, random: 0, retryAfter: .seconds(1)) == .seconds(1))
        #expect(policy.pause(after: 1, random: 0, retryAfter: .seconds(60)) == .zero)
    }

    @Test func `Retry-After is read`() async throws {
        let time = ManualTime(random: 0)
        let client = try makeClient(keys, ScriptedTransport([refusal("", status: 503, ["Retry-After": "1"]), success]), time)
        _ = try await client.send(anyCall)
        #expect(time.slept == [.seconds(1)])
    }

    @Test func `a request has its own number of attempts`() async throws {
        let transport = ScriptedTransport([refusal("", status: 500)])
        let client = try makeClient(keys, transport)
        var once = anyCall
        once.attempts = 1
        _ = await failure { () async throws(AWSError) in try await client.send(once) }
        #expect(transport.sent.count == 1)
    }
}

struct Unexpected: Error {}

@Suite struct DeadlineTests {
    @Test func `without a deadline an attempt has its own time`() async throws {
        let transport = ScriptedTransport([success])
        _ = try await makeClient(keys, transport).send(anyCall)
        #expect(transport.sent.map(\.timeout) == [.seconds(5)])
    }

    @Test func `an attempt has what is left, without the reserve`() async throws {
        let time = ManualTime()
        let transport = ScriptedTransport([success])
        let client = try makeClient(keys, transport, time)
        try await AWSDeadline.$current.withValue(time.start + .seconds(2)) { _ = try await client.send(anyCall) }
        #expect(transport.sent.map(\.timeout) == [.milliseconds(1950)])
    }

    @Test func `a request may have less`() async throws {
        let transport = ScriptedTransport([success])
        var short = anyCall
        short.timeout = .seconds(1)
        _ = try await makeClient(keys, transport).send(short)
        #expect(transport.sent.map(\.timeout) == [.seconds(1)])
    }

    @Test func `when nothing is left nothing is sent`() async throws {
        let time = ManualTime()
        let transport = ScriptedTransport([success])
        let client = try makeClient(keys, transport, time)
        let error = await AWSDeadline.$current.withValue(time.start + AWSDeadline.reserve) {
            await failure { () async throws(AWSError) in try await client.send(anyCall) }
        }
        #expect(error == .timedOut)
        #expect(transport.sent.isEmpty)
    }

    @Test func `no attempt is begun whose pause outlasts the deadline`() async throws {
        let time = ManualTime()
        let transport = ScriptedTransport([refusal("ThrottlingException")])
        let client = try makeClient(keys, transport, time)
        let error = await AWSDeadline.$current.withValue(time.start + .milliseconds(250)) {
            await failure { () async throws(AWSError) in try await client.send(anyCall) }
        }
        guard case .refused(let refusal) = error else { throw Unexpected() }
        #expect(refusal.code == "ThrottlingException")
        // 50 and 100 ms fit into 200 ms; 200 more do not.
        #expect(transport.sent.count == 3)
        #expect(time.now < time.start + .milliseconds(200))
    }

    @Test func `an attempt that uses the time up is the last`() async throws {
        let time = ManualTime(random: 0)
        let transport = ScriptedTransport { _, _ in
            time.pass(.seconds(5))
            throw TransportFailure.timedOut
        }
        let client = try makeClient(keys, transport, time)
        let error = await AWSDeadline.$current.withValue(time.start + .seconds(8)) {
            await failure { () async throws(AWSError) in try await client.send(anyCall) }
        }
        #expect(error == .timedOut)
        #expect(transport.sent.map(\.timeout) == [.seconds(5), .milliseconds(2950)])
    }
}

@Suite struct SkewTests {
    /// An hour after what `ManualTime` says.
    static let late: HTTPFields = ["Date": "Sun, 30 Aug 2015 13:36:00 GMT"]

    static func date(_ sent: ScriptedTransport.Sent) -> String? { sent.request.fields.first("X-Amz-Date") }

    @Test(arguments: ["RequestTimeTooSkewed", "RequestExpired", "SignatureDoesNotMatch", "InvalidSignatureException"])
    func `the answer's date sets the clock right, once and for later requests`(_ code: String) async throws {
        let lines = Mutex<[String]>([])
        let log = Log(sink: { line in lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) } })
        let transport = ScriptedTransport([refusal(code, status: 403, Self.late), success])
        let client = try makeClient(keys, transport, ManualTime(), log: log)
        _ = try await client.send(anyCall)
        _ = try await client.send(anyCall)
        #expect(transport.sent.map(Self.date) == ["20150830T123600Z", "20150830T133600Z", "20150830T133600Z"])
        #expect(lines.withLock { $0.count } == 1)
        #expect(lines.withLock { $0[0].contains("3600") })
    }

    @Test func `it is tried once`() async throws {
        let transport = ScriptedTransport([refusal("RequestTimeTooSkewed", status: 403, Self.late)])
        let client = try makeClient(keys, transport)
        #expect(await failure { () async throws(AWSError) in try await client.send(anyCall) } != nil)
        #expect(transport.sent.count == 2)
    }

    @Test func `a wrong signature at the right time is just wrong`() async throws {
        let transport = ScriptedTransport([refusal("SignatureDoesNotMatch", status: 403, ["Date": "Sun, 30 Aug 2015 12:37:00 GMT"])])
        let client = try makeClient(keys, transport)
        #expect(await failure { () async throws(AWSError) in try await client.send(anyCall) } != nil)
        #expect(transport.sent.count == 1)
    }

    @Test(arguments: [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Thu, 29 Feb 2024 23:59:59 GMT", 1_709_251_199),
        ("Sunday, 06-Nov-94 08:49:37 GMT", nil), ("Sun, 06 Nov 1994 08:49:37 CET", nil), ("", nil), ("Sun, 6 Foo 1994 08:49:37 GMT", nil),
    ] as [(String, Int64?)])
    func `an HTTP date`(_ text: String, _ seconds: Int64?) {
        #expect(SigningTime(httpDate: text)?.seconds == seconds)
    }

    @Test(arguments: [
        (0, "19700101T000000Z"), (951_782_399, "20000228T235959Z"), (951_782_400, "20000229T000000Z"), (1_440_938_160, "20150830T123600Z"),
        (4_107_542_400, "21000301T000000Z"), (253_402_300_799, "99991231T235959Z"),
    ] as [(Int64, String)])
    func `a signing time`(_ seconds: Int64, _ text: String) {
        #expect(String(decoding: SigningTime(seconds: seconds).text, as: UTF8.self) == text)
    }
}
