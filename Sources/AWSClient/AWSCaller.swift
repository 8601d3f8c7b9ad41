/// Calls AWS. ``AWSClient`` does; tests put something of theirs in its place.
public protocol AWSCaller: Sendable {
    /// Sends a request, signed, and again while that is worth it: throttling, 5xx, a lost connection, an expired token.
    /// - Returns: an answer of 2xx.
    func send(_ request: AWSRequest) async throws(AWSError) -> AWSResponse

    /// Sends many, side by side, each as ``send(_:)`` would, with less work for each. Returns when the last has its outcome.
    /// - Returns: one outcome for each request, in their order.
    func send(all requests: [AWSRequest]) async -> [Result<AWSResponse, AWSError>]
}

extension AWSCaller {
    public func send(all requests: [AWSRequest]) async -> [Result<AWSResponse, AWSError>] {
        await withTaskGroup(of: (Int, Result<AWSResponse, AWSError>).self) { group in
            for (place, request) in requests.enumerated() { group.addTask { (place, await self.outcome(of: request)) } }
            var results = Array(repeating: Result<AWSResponse, AWSError>.failure(.timedOut), count: requests.count)
            for await (place, result) in group { results[place] = result }
            return results
        }
    }

    /// The outcome of ``send(_:)`` as a value.
    public func outcome(of request: AWSRequest) async -> Result<AWSResponse, AWSError> {
        do throws(AWSError) {
            return .success(try await send(request))
        } catch {
            return .failure(error)
        }
    }
}
