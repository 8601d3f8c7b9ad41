/// How often and when a request is sent again: exponential, with full jitter.
/// Source: https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
public struct RetryPolicy: Equatable, Sendable {
    /// Of one request, the first included.
    public var attempts = 4
    /// The most that the first pause lasts; each further one may last twice as long.
    public var base: Duration = .milliseconds(50)
    /// The most that any pause lasts.
    public var cap: Duration = .seconds(1)

    public init() {}

    /// The pause after an attempt.
    /// - Parameters:
    ///   - attempt: 1 for the first.
    ///   - random: any number, evenly distributed.
    ///   - retryAfter: what the service asked for; it counts as far as it is within `cap`.
    func pause(after attempt: Int, random: UInt64, retryAfter: Duration?) -> Duration {
        let most = min(cap, base * (1 << min(attempt - 1, 16)))
        let jittered = most * (Double(random >> 11) / Double(1 << 53))
        guard let retryAfter, retryAfter <= cap else { return jittered }
        return max(jittered, retryAfter)
    }
}

extension AWSError {
    /// Whether the attempt may have taken effect.
    var leavesOpen: Bool {
        switch self {
        case .refused(let refusal): refusal.status >= 500 && !refusal.isThrottling
        case .unreachable, .timedOut: true
        case .noCredentials: false
        }
    }
}

extension AWSRefusal {
    /// Asked too often: worth another attempt, and counted.
    var isThrottling: Bool { status == 429 || Self.throttling.contains(code) }

    /// Whether another attempt may succeed. A conflict of transactions is its caller's: who knows whether it still makes sense.
    var isTransient: Bool {
        isThrottling || [500, 502, 503, 504].contains(status) || Self.transient.contains(code)
    }

    /// The credentials are no longer, or not yet, known.
    var isAboutCredentials: Bool { Self.credentials.contains(code) }

    private static let throttling: Set<String> = [
        "BandwidthLimitExceeded", "EC2ThrottledException", "LimitExceededException", "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException",
        "SlowDown", "ThrottledException", "Throttling", "ThrottlingException", "TooManyRequestsException",
    ]
    private static let transient: Set<String> = [
        "InternalError", "InternalFailure", "InternalServerError", "RequestTimeout", "RequestTimeoutException",
        "ServiceUnavailable", "TransactionInProgressException",
    ]
    private static let credentials: Set<String> = [
        "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClient", "UnrecognizedClientException",
    ]
}
