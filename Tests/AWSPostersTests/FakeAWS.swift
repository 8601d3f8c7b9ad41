import AWSClient
import ChatModel
import HTTPCodec
import Logs
import Synchronization

/// AWS as a test wants it: what was asked, how many at a time, and answers of the test's own.
final class FakeAWS: AWSCaller {
    typealias Answer = @Sendable (AWSRequest) async throws(AWSError) -> AWSResponse

    private struct State {
        var requests: [AWSRequest] = []
        var inFlight = 0
        var most = 0
    }

    private let state = Mutex(State())
    private let answer: Answer

    init(_ answer: @escaping Answer = { _ throws(AWSError) in AWSResponse(status: 200) }) { self.answer = answer }

    var requests: [AWSRequest] { state.withLock { $0.requests } }
    /// The most that were under way at once.
    var most: Int { state.withLock { $0.most } }

    func send(_ request: AWSRequest) async throws(AWSError) -> AWSResponse {
        state.withLock { state in
            state.requests.append(request)
            state.inFlight += 1
            state.most = max(state.most, state.inFlight)
        }
        defer { state.withLock { $0.inFlight -= 1 } }
        return try await answer(request)
    }
}

/// Lets nobody through until so many wait.
final class Gate: Sendable {
    private struct State {
        var waiting: [CheckedContinuation<Void, Never>] = []
        var isOpen = false
    }

    private let state = Mutex(State())
    private let opensAt: Int

    init(opensAt: Int) { self.opensAt = opensAt }

    func pass() async {
        await withCheckedContinuation { continuation in
            let through = state.withLock { state -> [CheckedContinuation<Void, Never>] in
                state.waiting.append(continuation)
                if state.waiting.count >= opensAt { state.isOpen = true }
                guard state.isOpen else { return [] }
                defer { state.waiting = [] }
                return state.waiting
            }
            for one in through { one.resume() }
        }
    }

    func open() {
        let through = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for one in through { one.resume() }
    }
}

/// Lines of a log.
final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    var log: Log { Log(level: .trace, sink: { line in self.lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }) }
    func count(_ text: String) -> Int { all.count { $0.contains(text) } }
}

/// Chance from a seed.
struct Chance: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 29)
    }
}

func ids(_ count: Int) -> [ConnectionID] { (0..<count).compactMap { ConnectionID("conn-\($0)=") } }

func refused(_ status: Int, _ code: String = "") -> AWSError { .refused(AWSRefusal(status: status, code: code, message: "no")) }
