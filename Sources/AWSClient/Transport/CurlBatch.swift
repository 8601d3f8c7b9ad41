import Synchronization

/// Requests that are waited for together: whoever waits is woken once.
final class CurlBatch: Sendable {
    typealias Outcome = Result<CurlAnswer, TransportFailure>

    private struct State {
        var outcomes: [Outcome?]
        var missing: Int
        var continuation: CheckedContinuation<[Outcome], Never>?
        var isCancelled = false
    }

    private static let nextID = Atomic<UInt64>(1)

    private let firstID: UInt64
    private let count: Int
    private let state: Mutex<State>

    init(count: Int) {
        self.count = count
        firstID = CurlBatch.nextID.wrappingAdd(UInt64(count), ordering: .relaxed).oldValue
        state = Mutex(State(outcomes: Array(repeating: nil, count: count), missing: count))
    }

    /// Whether the task was cancelled, perhaps before there was anything to cancel.
    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    func exchanges() -> [CurlExchange] { (0..<count).map { CurlExchange(id: firstID + UInt64($0), batch: self, place: $0) } }

    func wait(_ continuation: CheckedContinuation<[Outcome], Never>) {
        state.withLock { $0.continuation = continuation }
    }

    func cancel(in driver: CurlDriver) {
        state.withLock { $0.isCancelled = true }
        for place in 0..<count { driver.cancel(firstID + UInt64(place)) }
    }

    fileprivate func finish(_ place: Int, _ outcome: Outcome) {
        let done = state.withLock { state -> (CheckedContinuation<[Outcome], Never>, [Outcome])? in
            guard state.outcomes[place] == nil else { return nil }
            state.outcomes[place] = outcome
            state.missing -= 1
            guard state.missing == 0, let continuation = state.continuation else { return nil }
            state.continuation = nil
            return (continuation, state.outcomes.compactMap(\.self))
        }
        if let (continuation, outcomes) = done { continuation.resume(returning: outcomes) }
    }
}

/// One request of a batch, as the driver's thread knows it.
final class CurlExchange: Sendable {
    typealias Outcome = CurlBatch.Outcome

    let id: UInt64
    private let batch: CurlBatch
    private let place: Int

    init(id: UInt64, batch: CurlBatch, place: Int) {
        self.id = id
        self.batch = batch
        self.place = place
    }

    func finish(_ outcome: Outcome) { batch.finish(place, outcome) }
}
