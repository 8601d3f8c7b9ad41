import LoopbackHTTP

/// Why the loop cannot go on: in every case the process should exit.
public enum LambdaRuntimeError: Error, Equatable, Sendable {
    /// The endpoint is not of the form `host:port`.
    case invalidEndpoint
    /// Nobody listens at the endpoint any more, or it closed the connection: whoever started this process is
    /// gone, which needs no log line.
    case endpointGone
    /// An answer that says the runtime should exit: 500 anywhere ("container error, non-recoverable"), or
    /// anything but an invocation to the question for the next one.
    case refused(status: Int)
    /// An invocation without a request id.
    case malformedInvocation
    case transport(LoopbackHTTPError)

    init(_ error: LoopbackHTTPError) {
        switch error {
        case .refused, .closed: self = .endpointGone
        default: self = .transport(error)
        }
    }
}
