import HTTPCodec

/// Carries signed requests.
protocol HTTPTransport: Sendable {
    /// Carries all of them side by side, as far as its connections reach, and returns when the last has its outcome.
    /// - Parameter timeout: for each, from now to the answer's last byte.
    /// - Returns: one outcome for each request, in their order.
    func send(all requests: [OutgoingRequest], timeout: Duration) async -> [Result<HTTPResponse, TransportFailure>]
}

extension HTTPTransport {
    func send(_ request: OutgoingRequest, timeout: Duration) async throws(TransportFailure) -> HTTPResponse {
        try await send(all: [request], timeout: timeout)[0].get()
    }
}

struct OutgoingRequest: Equatable, Sendable {
    var method: String
    var url: String
    /// All of them but `Content-Length`.
    var fields: HTTPFields
    var body: [UInt8] = []
}

/// Why there is no answer.
enum TransportFailure: Error, Equatable {
    /// There is nothing to send with.
    case unavailable(String)
    /// Name resolution, connection, TLS, or an answer that ended too soon.
    case lost(String)
    case timedOut
    /// The answer is larger than any of AWS's.
    case tooLarge
    case cancelled
}
