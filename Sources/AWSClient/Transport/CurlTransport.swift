import CCurl
import HTTPCodec
import Synchronization

/// HTTP over libcurl, which is loaded and whose thread is started with the first request.
final class CurlTransport: HTTPTransport {
    struct Options: Sendable {
        var authorities: String?
        var connectTimeout: Duration = .seconds(2)
        /// To one host; requests beyond wait in line.
        var maxConnections = 64
        var maxBodyBytes = 16 << 20
    }

    private let options: Options
    private let driver = Mutex<CurlDriver?>(nil)

    init(_ options: Options = Options()) { self.options = options }

    func send(_ request: OutgoingRequest, timeout: Duration) async throws(TransportFailure) -> HTTPResponse {
        let driver = try started()
        let exchange = CurlExchange()
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                exchange.wait(continuation)
                if !driver.submit(request, timeout: timeout, exchange) {
                    exchange.finish(.failure(.unavailable("out of memory")))
                } else if exchange.isCancelled {
                    driver.cancel(exchange)
                }
            }
        } onCancel: {
            exchange.cancel()
            driver.cancel(exchange)
        }
        return try outcome.get().response
    }

    private func started() throws(TransportFailure) -> CurlDriver {
        try driver.withLock { driver throws(TransportFailure) in
            if let driver { return driver }
            let started = try CurlDriver(options)
            driver = started
            return started
        }
    }
}

/// One request that waits for its answer.
final class CurlExchange: Sendable {
    typealias Outcome = Result<CurlAnswer, TransportFailure>

    private struct State {
        var continuation: CheckedContinuation<Outcome, Never>?
        var isCancelled = false
    }

    private static let lastID = Atomic<UInt64>(0)

    let id = CurlExchange.lastID.wrappingAdd(1, ordering: .relaxed).newValue
    private let state = Mutex(State())

    /// Whether the task was cancelled before there was anything to cancel.
    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    func wait(_ continuation: CheckedContinuation<Outcome, Never>) {
        state.withLock { $0.continuation = continuation }
    }

    func cancel() { state.withLock { $0.isCancelled = true } }

    func finish(_ outcome: Outcome) {
        let continuation = state.withLock { state in
            defer { state.continuation = nil }
            return state.continuation
        }
        continuation?.resume(returning: outcome)
    }
}
