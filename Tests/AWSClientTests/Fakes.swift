import HTTPCodec
import Logs
import Synchronization

@testable import AWSClient

/// Answers as a test scripts it, and keeps what was sent.
final class ScriptedTransport: HTTPTransport {
    struct Sent: Sendable {
        let request: OutgoingRequest
        let timeout: Duration
    }

    typealias Script = @Sendable (OutgoingRequest, Int) async throws -> HTTPResponse

    private let state = Mutex<[Sent]>([])
    private let script: Script

    init(_ script: @escaping Script) { self.script = script }

    /// One answer or failure after the other, the last of them again and again.
    convenience init(_ answers: [Result<HTTPResponse, TransportFailure>]) {
        self.init { _, index in try answers[min(index, answers.count - 1)].get() }
    }

    var sent: [Sent] { state.withLock { $0 } }

    func send(all requests: [OutgoingRequest], timeout: Duration) async -> [Result<HTTPResponse, TransportFailure>] {
        var results: [Result<HTTPResponse, TransportFailure>] = []
        for request in requests {
            do throws(TransportFailure) {
                results.append(.success(try await answer(request, timeout: timeout)))
            } catch {
                results.append(.failure(error))
            }
        }
        return results
    }

    private func answer(_ request: OutgoingRequest, timeout: Duration) async throws(TransportFailure) -> HTTPResponse {
        let index = state.withLock { sent in
            sent.append(Sent(request: request, timeout: timeout))
            return sent.count - 1
        }
        do {
            return try await script(request, index)
        } catch {
            throw error as! TransportFailure
        }
    }
}

/// Time that only passes when somebody sleeps, or is told to.
final class ManualTime: Sendable {
    private let state: Mutex<(passed: Duration, slept: [Duration])> = Mutex((.zero, []))
    let start = ContinuousClock.now
    private let random: UInt64
    let epoch: Int64

    /// - Parameter random: what every random number is; the pauses are their longest with the largest.
    init(random: UInt64 = .max, epoch: Int64 = 1_440_938_160) { (self.random, self.epoch) = (random, epoch) }

    var slept: [Duration] { state.withLock { $0.slept } }
    var now: ContinuousClock.Instant { start + state.withLock { $0.passed } }

    func pass(_ duration: Duration) { state.withLock { $0.passed += duration } }

    var surroundings: Surroundings {
        Surroundings(
            wallClock: { self.epoch + self.state.withLock { $0.passed.components.seconds } },
            now: { self.now },
            sleep: { duration in
                self.state.withLock { state in
                    state.passed += duration
                    state.slept.append(duration)
                }
            },
            random: { self.random })
    }
}

let keys = ["AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret-key"]

func makeClient(
    _ variables: [String: String] = keys, _ transport: any HTTPTransport, _ time: ManualTime = ManualTime(), log: Log = .silent
) throws -> AWSClient {
    AWSClient(try AWSConfiguration { variables[$0] }, log: log, transport: transport, surroundings: time.surroundings)
}

/// What DynamoDB says when it refuses.
func refusal(_ code: String, status: Int = 400, _ fields: HTTPFields = [:]) -> Result<HTTPResponse, TransportFailure> {
    .success(
        HTTPResponse(
            status: status, fields: fields,
            body: Array(#"{"__type":"com.amazonaws.dynamodb.v20120810#\#(code)","message":"because"}"#.utf8)))
}

let success = Result<HTTPResponse, TransportFailure>.success(HTTPResponse(status: 200, body: Array("{}".utf8)))
let anyCall = AWSRequest.call(.dynamoDB, target: "DynamoDB_20120810.ListTables", Array("{}".utf8))

/// The error of a call, or nil where it succeeds.
func failure(of call: () async throws(AWSError) -> AWSResponse) async -> AWSError? {
    do throws(AWSError) {
        _ = try await call()
        return nil
    } catch {
        return error
    }
}
