import HTTPCodec
import LoopbackHTTP

/// The four calls of the Runtime API, version 2018-06-01, over one kept connection.
struct RuntimeClient {
    private let connection: LoopbackHTTPConnection
    private static let base = "/2018-06-01/runtime"
    /// The endpoint is on the same machine: longer than this, it is not coming back.
    private static let patience = Duration.seconds(30)

    init(host: String, port: UInt16) {
        connection = LoopbackHTTPConnection(host: host, port: port)
    }

    /// Waits for an invocation, without a time-out as AWS asks; nil when `interrupt` came first.
    func next(interrupt: Int32) throws(LambdaRuntimeError) -> (event: [UInt8], context: InvocationContext)? {
        let answer: HTTPResponse
        do {
            answer = try connection.send(target: "\(Self.base)/invocation/next", interrupt: interrupt)
        } catch .interrupted {
            return nil
        } catch {
            throw LambdaRuntimeError(error)
        }
        guard answer.status == 200 else { throw .refused(status: answer.status) }
        guard let context = InvocationContext(answer.fields) else { throw .malformedInvocation }
        return (answer.body, context)
    }

    /// Posts the response; one that is too large becomes the invocation's error.
    func post(_ response: [UInt8], for context: InvocationContext) throws(LambdaRuntimeError) {
        if response.count <= LambdaRuntime.maxResponseBytes {
            guard try post(response, to: "\(path(context))/response") == 413 else { return }
        }
        let failure = InvocationFailure(
            category: "Function", type: "ResponseSizeTooLarge",
            message: "the response has \(response.count) bytes, more than Lambda takes")
        try post(failure, for: context)
    }

    /// Posts why the invocation failed.
    func post(_ failure: InvocationFailure, for context: InvocationContext) throws(LambdaRuntimeError) {
        try post(failure.json, to: "\(path(context))/error", errorType: failure.typeField)
    }

    /// Posts why there will be no invocations.
    func postInit(_ failure: InvocationFailure) throws(LambdaRuntimeError) {
        try post(failure.json, to: "\(Self.base)/init/error", errorType: failure.typeField)
    }

    private func path(_ context: InvocationContext) -> String {
        "\(Self.base)/invocation/\(PercentCoding.encoded(context.requestID))"
    }

    /// The status of the answer.
    ///
    /// 202 is the rule. 400 and 403 say that this invocation is over, by its time-out perhaps, which does not
    /// concern the next one. 500 says that the runtime should exit promptly.
    @discardableResult
    private func post(
        _ body: [UInt8], to target: String, errorType: String? = nil
    ) throws(LambdaRuntimeError) -> Int {
        var fields: HTTPFields = ["Content-Type": "application/json"]
        if let errorType { fields.add("Lambda-Runtime-Function-Error-Type", errorType) }
        let answer: HTTPResponse
        do {
            // The request id makes a second copy harmless.
            answer = try connection.send(
                method: "POST", target: target, fields: fields, body: body, deadline: .now + Self.patience,
                isRepeatable: true)
        } catch {
            throw LambdaRuntimeError(error)
        }
        guard answer.status < 500 else { throw .refused(status: answer.status) }
        return answer.status
    }
}
