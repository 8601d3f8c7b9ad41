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

    func send(all requests: [OutgoingRequest], timeout: Duration) async -> [Result<HTTPResponse, TransportFailure>] {
        let driver: CurlDriver
        do throws(TransportFailure) {
            driver = try started()
        } catch {
            return requests.map { _ in .failure(error) }
        }
        guard !requests.isEmpty else { return [] }
        let batch = CurlBatch(count: requests.count)
        let outcomes = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                batch.wait(continuation)
                for (exchange, request) in zip(batch.exchanges(), requests) {
                    if !driver.submit(request, timeout: timeout, exchange) {
                        exchange.finish(.failure(.unavailable("out of memory")))
                    }
                }
                if batch.isCancelled { batch.cancel(in: driver) }
            }
        } onCancel: {
            batch.cancel(in: driver)
        }
        return outcomes.map { outcome in outcome.map(\.response) }
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
