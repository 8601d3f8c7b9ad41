import ChatHandlers
import ChatModel
import ChatWire
import Gateway
import JSONCoding
import Synchronization

/// The handlers that no socket calls: `Publish` for backends and `Cleanup` for the worker.
protocol Backend: Sendable {
    func publish(_ payload: [UInt8], _ tenant: TenantID) async -> HandlerOutcome
    func sweep() async throws
}

/// The routes' handlers in this process.
struct InProcessHandlers: HandlerInvoker {
    let router: HandlerRouter

    func invoke(_ route: Route, _ event: GatewayEvent) async throws -> HandlerOutcome {
        await router.handle(route, event)
    }
}

struct InProcessBackend: Backend {
    let services: ChatServices

    func publish(_ payload: [UInt8], _ tenant: TenantID) async -> HandlerOutcome {
        await Publish(services).handle(payload, tenant: tenant)
    }

    func sweep() async throws { _ = try await Cleanup(services).handle(Array("{}".utf8)) }
}

/// The routes' handlers as children. Messages of one room or conversation are given out one after the other, fan-out and
/// all, for children that post at the same time would cross, and here a room's messages arrive in order.
struct ChildRoutes: HandlerInvoker {
    let children: ChildHandlers
    let services: ChatServices
    let turns: StreamTurns

    func invoke(_ route: Route, _ event: GatewayEvent) async throws -> HandlerOutcome {
        guard route == .sendMessage, let stream = await services.streamPartition(of: event) else {
            return try await children.invoke(route, event)
        }
        await turns.take(stream)
        do {
            let outcome = try await children.invoke(route, event)
            return HandlerOutcome(outcome.response) {
                await outcome.afterward?()
                turns.release(stream)
            }
        } catch {
            turns.release(stream)
            throw error
        }
    }
}

/// The deployable executables.
struct ChildBackend: Backend {
    let children: ChildHandlers
    let turns: StreamTurns

    func publish(_ payload: [UInt8], _ tenant: TenantID) async -> HandlerOutcome {
        let request: PublishRequest
        do throws(ChatError) {
            request = try PublishRequest(decoding: payload, tenant: tenant)
        } catch {
            return HandlerOutcome(ProxyResponse(statusCode: error.code.status, body: ServerFrame.error(error)))
        }
        let stream = request.streamPartition
        if let stream { await turns.take(stream) }
        // The executable takes the tenant from the event alone.
        let answer = try? await children.invoke(handler: "Publish", payload: request.encoded()) {
            if let stream { turns.release(stream) }
        }
        guard let answer else {
            return HandlerOutcome(ProxyResponse(statusCode: 500, body: ServerFrame.error(.internalError)))
        }
        let status = (try? JSONParser.parse(answer))?.object?["status"]?.int64.flatMap(Int.init(exactly:))
        return HandlerOutcome(ProxyResponse(statusCode: status ?? 200, body: answer))
    }

    func sweep() async throws { _ = try await children.invoke(handler: "Cleanup", payload: Array("{}".utf8)) }
}

/// A backend for routes that are made before it: the gateway's ports are known only once it is bound.
final class LateBackend: Backend {
    private let backend = Mutex<(any Backend)?>(nil)

    func set(_ backend: any Backend) { self.backend.withLock { $0 = backend } }

    func publish(_ payload: [UInt8], _ tenant: TenantID) async -> HandlerOutcome {
        guard let backend = backend.withLock({ $0 }) else {
            return HandlerOutcome(ProxyResponse(statusCode: 503, body: ServerFrame.error(.internalError)))
        }
        return await backend.publish(payload, tenant)
    }

    func sweep() async throws { try await backend.withLock { $0 }?.sweep() }
}
