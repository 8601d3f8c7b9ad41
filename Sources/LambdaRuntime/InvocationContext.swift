import Glibc
import HTTPCodec

/// What the Runtime API says about an invocation besides its event.
public struct InvocationContext: Sendable, Equatable {
    public let requestID: String
    /// When the function times out, in milliseconds since 1970; `Int64.max` when it was not said.
    public let deadline: Int64
    /// The X-Ray tracing header, also in the environment variable `_X_AMZN_TRACE_ID` during the invocation.
    public let traceID: String?
    public let invokedFunctionARN: String
    /// JSON, for invocations from the AWS mobile SDK.
    public let clientContext: String?

    public init(
        requestID: String, deadline: Int64, traceID: String? = nil, invokedFunctionARN: String = "",
        clientContext: String? = nil
    ) {
        self.requestID = requestID
        self.deadline = deadline
        self.traceID = traceID
        self.invokedFunctionARN = invokedFunctionARN
        self.clientContext = clientContext
    }

    /// Milliseconds until the deadline by the wall clock; negative after it.
    public var remainingMilliseconds: Int64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return deadline - (Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000)
    }

    /// From the headers of the answer to `/next`; nil without a request id.
    init?(_ fields: HTTPFields) {
        guard let requestID = fields.first("Lambda-Runtime-Aws-Request-Id"), !requestID.isEmpty else { return nil }
        self.init(
            requestID: requestID,
            deadline: fields.first("Lambda-Runtime-Deadline-Ms").flatMap { Int64($0) } ?? .max,
            traceID: fields.first("Lambda-Runtime-Trace-Id"),
            invokedFunctionARN: fields.first("Lambda-Runtime-Invoked-Function-Arn") ?? "",
            clientContext: fields.first("Lambda-Runtime-Client-Context"))
    }
}

/// What a handler made of an event.
public struct InvocationResult: Sendable {
    /// The bytes the caller gets.
    public var response: [UInt8]
    /// Work that the caller does not wait for: it starts when the response is posted, and the next invocation
    /// is asked for when it has ended. It counts toward the function's time-out.
    public var afterward: (@Sendable () async -> Void)?

    public init(response: [UInt8], afterward: (@Sendable () async -> Void)? = nil) {
        self.response = response
        self.afterward = afterward
    }
}
