import Glibc
import LoopbackHTTP

/// The loop of a Lambda function: ask for an invocation, handle it, post what came of it, and again.
///
/// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. One invocation at a time. While there is
/// none the loop blocks its thread, as Lambda freezes the process then.
public struct LambdaRuntime: Sendable {
    /// Bytes of the largest response Lambda takes.
    public static let maxResponseBytes = 6_291_556

    private let host: String
    private let port: UInt16

    /// - Parameter endpoint: `host:port`, as in the environment variable `AWS_LAMBDA_RUNTIME_API`.
    public init(endpoint: String) throws(LambdaRuntimeError) {
        guard let colon = endpoint.lastIndex(of: ":"), let port = UInt16(endpoint[endpoint.index(after: colon)...]),
            port > 0, colon > endpoint.startIndex
        else { throw .invalidEndpoint }
        let host = endpoint[..<colon]
        // An IPv6 address is written in brackets in front of a port.
        self.host = String(host.hasPrefix("[") && host.hasSuffix("]") ? host.dropFirst().dropLast() : host)
        self.port = port
    }

    /// Handles invocations until SIGTERM, which lets the one under way finish, with its work afterward.
    ///
    /// What the handler throws is posted as the invocation's error: the caller sees a failed function and the
    /// loop goes on. The thrown ``LambdaRuntimeError`` of this method ends it.
    public func run(
        _ handler: @Sendable ([UInt8], InvocationContext) async throws -> InvocationResult
    ) async throws(LambdaRuntimeError) {
        let termination = TerminationSignal()
        let client = RuntimeClient(host: host, port: port)
        while let (event, context) = try client.next(interrupt: termination.descriptor) {
            setTrace(context.traceID)
            let result: InvocationResult
            do {
                result = try await handler(event, context)
            } catch {
                try client.post(InvocationFailure(error), for: context)
                continue
            }
            // The work afterward follows from what was stored, so it is done whatever becomes of the response.
            let posted = Result { () throws(LambdaRuntimeError) in try client.post(result.response, for: context) }
            await result.afterward?()
            try posted.get()
        }
    }

    /// Tells Lambda that the function cannot start; the process exits after it.
    ///
    /// - Parameters:
    ///   - type: a word such as `MissingTable`.
    ///   - message: what to do about it, in one line.
    public static func reportInitError(
        endpoint: String, type: String, message: String
    ) throws(LambdaRuntimeError) {
        let runtime = try LambdaRuntime(endpoint: endpoint)
        try RuntimeClient(host: runtime.host, port: runtime.port).postInit(
            InvocationFailure(category: "Runtime", type: type, message: message))
    }

    /// The X-Ray libraries read it there. Between invocations nothing else touches the environment.
    private func setTrace(_ traceID: String?) {
        if let traceID {
            unsafe setenv("_X_AMZN_TRACE_ID", traceID, 1)
        } else {
            unsafe unsetenv("_X_AMZN_TRACE_ID")
        }
    }
}
