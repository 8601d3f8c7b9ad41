import AWSClient
import Glibc
import LambdaRuntime
import Logs
import Metrics

/// What surrounds one invocation: its deadline, its ids in every log line, and its metrics when all is done.
struct Invocation {
    let context: InvocationContext
    let environment: FunctionEnvironment
    let client: AWSClient?

    func run(_ handler: @Sendable () async throws -> InvocationResult) async throws -> InvocationResult {
        let surroundings = Surroundings(deadline: deadline, fields: fields)
        let report = Report(environment: environment, client: client, properties: properties)
        do {
            let result = try await surroundings.hold { try await handler() }
            return InvocationResult(response: result.response) {
                if let afterward = result.afterward { await surroundings.hold { await afterward() } }
                report.write()
            }
        } catch {
            environment.log.with(fields).error("invocation failed", ["type": "\(type(of: error))", "error": "\(error)"])
            report.write()
            throw error
        }
    }

    private var deadline: ContinuousClock.Instant? {
        context.deadline == .max ? nil : .now + .milliseconds(context.remainingMilliseconds)
    }

    /// The trace's id out of X-Ray's header `Root=1-…;Parent=…;Sampled=1`.
    private var traceID: String? {
        context.traceID?.split(separator: ";").first { $0.hasPrefix("Root=") }.map { String($0.dropFirst("Root=".count)) }
    }

    private var fields: LogFields { ["invocationId": context.requestID, "traceId": traceID] }

    private var properties: [(name: String, value: String)] {
        [("invocationId", context.requestID)] + (traceID.map { [("traceId", $0)] } ?? [])
    }
}

/// What a task and all it starts find around them.
private struct Surroundings: Sendable {
    let deadline: ContinuousClock.Instant?
    let fields: LogFields

    func hold<Value>(_ body: () async throws -> Value) async rethrows -> Value {
        try await AWSDeadline.$current.withValue(deadline) {
            try await Log.$ambient.withValue(fields) { try await body() }
        }
    }
}

/// One invocation's metrics, as a line on standard output.
private struct Report: Sendable {
    private let metrics: Metrics
    /// Nil outside Lambda, where nobody would read it.
    private let function: String?
    private let client: AWSClient?
    private let before: AWSCounts
    private let properties: [(name: String, value: String)]

    init(environment: FunctionEnvironment, client: AWSClient?, properties: [(name: String, value: String)]) {
        metrics = environment.metrics
        function = environment.functionName
        self.client = client
        before = client?.counts(of: .dynamoDB) ?? AWSCounts()
        self.properties = properties
    }

    func write() {
        if let client {
            let after = client.counts(of: .dynamoDB)
            metrics.add(.tableCalls, after.calls - before.calls)
            metrics.add(.tableRetries, after.retries - before.retries)
            metrics.add(.tableThrottles, after.throttles - before.throttles)
        }
        let values = metrics.take()
        guard let function,
            let line = EmbeddedMetricFormat.line(values, time: Log.systemClock(), function: function, properties: properties)
        else { return }
        // A short write loses the line's end, which CloudWatch then takes for a log line: metrics never stop the service.
        _ = unsafe line.withUnsafeBytes { unsafe Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    }
}
