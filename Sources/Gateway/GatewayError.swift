/// What can go wrong with the gateway itself; what a client does wrong is answered to that client.
public enum GatewayError: Error, Equatable, Sendable {
    /// Another process listens there.
    case addressInUse(host: String, port: UInt16)
    /// The host is no address of this machine, or no address at all.
    case addressUnavailable(host: String, port: UInt16)
    /// The management listener would be reached from other machines, and asks for no token.
    case managementExposed(host: String)
    /// A system call failed in a way that no other case names.
    case system(SystemFailure)
    /// A child handler did not answer an invocation.
    case handler(HandlerFailure)
}

/// A system call and the errno it left.
public struct SystemFailure: Error, Equatable, Sendable {
    public let call: String
    public let errno: Int32
}

/// Why an invocation of a child handler has no response.
public enum HandlerFailure: Equatable, Sendable {
    /// `DIR/<Handler>/bootstrap` could not be started, with the errno.
    case cannotStart(Int32)
    /// The process ended during the invocation, or it ended again and again before its first one.
    case crashed
    /// No response within the time-out; the process was killed.
    case timedOut
    /// The handler threw: its own `errorType`.
    case reported(String)
    /// It asked for its next invocation without answering this one.
    case noResponse
    /// It answered something that is no proxy response.
    case malformedResponse
    /// More invocations wait than the queue may hold.
    case overloaded
    /// The server is stopping.
    case stopped
}
