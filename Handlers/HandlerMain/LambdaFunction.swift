import AWSPosters
import ChatBroadcast
import ChatHandlers
import ChatModel
import ChatWire
import Glibc
import LambdaRuntime
import Logs

/// Composes the services from the environment and runs one handler in Lambda's loop, to the end of the process.
public enum LambdaFunction {
    /// A handler's own answer, and the work after it.
    public typealias Answer = (response: [UInt8], afterward: (@Sendable () async -> Void)?)

    /// A route's handler: API Gateway's event in, its reply out, the fan-out after the reply.
    public static func serve(
        _ make: (ChatServices) -> @Sendable (GatewayEvent) async -> HandlerOutcome
    ) async -> Never {
        let environment = environment()
        let parts = configured(environment.parts)
        let handle = make(parts.services)
        await run(environment, parts) { payload, _ in
            let event = try GatewayEvent(decoding: payload)
            parts.endpoint.learn(from: event.context)
            let outcome = await handle(event)
            return (outcome.response.encoded(), outcome.afterward)
        }
    }

    /// A handler with an event of its own.
    public static func serve(
        _ make: (ChatServices) -> @Sendable ([UInt8]) async throws -> Answer
    ) async -> Never {
        let environment = environment()
        let parts = configured(environment.parts)
        let handle = make(parts.services)
        await run(environment, parts) { payload, _ in try await handle(payload) }
    }

    /// A handler that posts itself, until shortly before it times out.
    public static func servePosts(
        _ make: (ChatServices, any Poster) -> @Sendable ([UInt8], Timestamp?) async throws -> Answer
    ) async -> Never {
        let environment = environment()
        let parts = configured(environment.parts)
        let handle = make(parts.services, parts.direct)
        await run(environment, parts) { payload, context in
            try await handle(payload, context.deadline == .max ? nil : Timestamp(milliseconds: context.deadline))
        }
    }

    /// A handler that needs keys and settings, and neither table nor sockets.
    public static func serveAlone(
        _ make: ((any TokenJudge)?, Settings, Log) -> @Sendable ([UInt8]) async throws -> [UInt8]
    ) async -> Never {
        let environment = environment()
        let verifier = configured(environment.verifier)
        let handle = make(verifier, environment.service.settings, environment.log)
        await run(environment, nil) { payload, _ in (try await handle(payload), nil) }
    }

    private static func run(
        _ environment: FunctionEnvironment, _ parts: FunctionEnvironment.Parts?,
        _ handle: @escaping @Sendable ([UInt8], InvocationContext) async throws -> Answer
    ) async -> Never {
        do throws(LambdaRuntimeError) {
            try await LambdaRuntime(endpoint: endpoint).run { payload, context in
                let invocation = Invocation(context: context, environment: environment, client: parts?.client)
                return try await invocation.run {
                    let (response, afterward) = try await handle(payload, context)
                    return InvocationResult(response: response, afterward: afterward)
                }
            }
            exit(0)
        } catch .endpointGone {
            exit(0)
        } catch {
            fail("RuntimeFailure", "\(error)")
        }
    }

    private static func environment() -> FunctionEnvironment {
        configured { () throws(SettingError) in try FunctionEnvironment() }
    }

    private static func configured<Value>(_ make: () throws(SettingError) -> Value) -> Value {
        do throws(SettingError) {
            return try make()
        } catch {
            fail("InvalidConfiguration", error.description)
        }
    }

    /// Tells Lambda that this function cannot start, and ends.
    private static func fail(_ type: String, _ message: String) -> Never {
        Log(level: .error, format: .json).error("init failed", ["type": type, "message": message])
        try? LambdaRuntime.reportInitError(endpoint: endpoint, type: type, message: message)
        exit(1)
    }

    private static var endpoint: String { unsafe getenv("AWS_LAMBDA_RUNTIME_API").map { unsafe String(cString: $0) } ?? "" }
}
