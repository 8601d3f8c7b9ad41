import HTTPCodec

/// Why a request over loopback has no answer.
public enum LoopbackHTTPError: Error, Equatable, Sendable {
    /// The host is no address and has none.
    case unknownHost
    /// Nobody listens there.
    case refused
    /// The peer closed the connection before the answer was whole.
    case closed
    /// The deadline passed.
    case timedOut
    /// The caller's interrupt came while the answer was waited for.
    case interrupted
    case invalidResponse(HTTPFault)
    /// A system call failed in a way that is none of the above.
    case system(call: String, errno: Int32)
}
