/// Calls AWS. ``AWSClient`` does; tests put something of theirs in its place.
public protocol AWSCaller: Sendable {
    /// Sends a request, signed, and again while that is worth it: throttling, 5xx, a lost connection, an expired token.
    /// - Returns: an answer of 2xx.
    func send(_ request: AWSRequest) async throws(AWSError) -> AWSResponse
}
