import ChatHandlers
import ChatModel
import ChatStore
import ChatWire
import Glibc
import LambdaRuntime
import Logs
import SQLiteTable

/// Composes the services from the environment and runs one handler in Lambda's loop, to the end of the process.
public enum LambdaFunction {
    /// A route's handler: API Gateway's event in, its reply out, the fan-out after the reply.
    public static func serve(
        _ make: (ChatServices) -> @Sendable (GatewayEvent) async -> HandlerOutcome
    ) async -> Never {
        let handle = make(await services())
        await run { event, _ in
            let outcome = await handle(try GatewayEvent(decoding: event))
            return InvocationResult(response: outcome.response.encoded(), afterward: outcome.afterward)
        }
    }

    /// A handler with an event of its own.
    public static func serve(
        _ make: (ChatServices) -> @Sendable ([UInt8]) async throws -> (response: [UInt8], afterward: (@Sendable () async -> Void)?)
    ) async -> Never {
        let handle = make(await services())
        await run { event, _ in
            let (response, afterward) = try await handle(event)
            return InvocationResult(response: response, afterward: afterward)
        }
    }

    private static func run(
        _ handler: @Sendable ([UInt8], InvocationContext) async throws -> InvocationResult
    ) async -> Never {
        do throws(LambdaRuntimeError) {
            try await LambdaRuntime(endpoint: endpoint).run(handler)
            exit(0)
        } catch .endpointGone {
            exit(0)
        } catch {
            fail("RuntimeFailure", "\(error)")
        }
    }

    private static func services() async -> ChatServices {
        do throws(SettingError) {
            let variables = environment()
            let service = try ServiceEnvironment(variables)
            let log = Log(level: service.logLevel, format: service.logFormat)
            let read = VariableReader(variables)
            guard let database = read.text("MUSTER_DATABASE") else {
                throw SettingError("MUSTER_DATABASE is missing: give the path of the SQLite file")
            }
            guard let endpoint = read.text("WEBSOCKET_ENDPOINT") ?? read.text("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI") else {
                throw SettingError("WEBSOCKET_ENDPOINT is missing: give the URL of @connections with the stage")
            }
            let poster = try ManagementPoster(endpoint: endpoint, token: read.text("MUSTER_MANAGEMENT_TOKEN"), log: log)
            return ChatServices(
                table: try open(database), poster: poster, verifier: try service.verifier(), settings: service.settings,
                log: log)
        } catch {
            fail("InvalidConfiguration", error.description)
        }
    }

    private static func open(_ database: String) throws(SettingError) -> SQLiteTable {
        do throws(SQLiteTableError) {
            return try SQLiteTable(path: database)
        } catch {
            throw SettingError("\(error)")
        }
    }

    /// Tells Lambda that this function cannot start, and ends.
    private static func fail(_ type: String, _ message: String) -> Never {
        Log(level: .error, format: .json).error("init failed", ["type": type, "message": message])
        try? LambdaRuntime.reportInitError(endpoint: endpoint, type: type, message: message)
        exit(1)
    }

    private static var endpoint: String { environment()["AWS_LAMBDA_RUNTIME_API"] ?? "" }

    private static func environment() -> [String: String] {
        var variables: [String: String] = [:]
        for name in variableNames {
            if let value = unsafe getenv(name) { variables[name] = unsafe String(cString: value) }
        }
        return variables
    }

    private static let variableNames =
        ServiceEnvironment.variableNames + [
            "MUSTER_DATABASE", "MUSTER_MANAGEMENT_TOKEN", "WEBSOCKET_ENDPOINT", "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI",
            "AWS_LAMBDA_RUNTIME_API",
        ]
}
