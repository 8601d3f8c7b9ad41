import HTTPCodec

/// Carries signed requests.
protocol HTTPTransport: Sendable {
    /// - Parameter timeout: from now to the answer's last byte.
    func send(_ request: OutgoingRequest, timeout: Duration) async throws(TransportFailure) -> HTTPResponse
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
