import ChatModel
import ChatStore
import ChatWire
import Logs

/// `$disconnect`: ends the connection, unless something else was first. It comes at most once, late or never.
public struct Disconnect: Sendable {
    let services: ChatServices

    public init(_ services: ChatServices) { self.services = services }

    /// Answers 200, or 500 if the engine failed: then the sweep ends the connection.
    public func handle(_ event: GatewayEvent) async -> HandlerOutcome {
        guard let id = ConnectionID(event.context.connectionID) else { return HandlerOutcome(ProxyResponse()) }
        services.identities.forget(id)
        do throws(TableError) {
            try await services.broadcaster.end(id, .disconnected)
            return HandlerOutcome(ProxyResponse())
        } catch {
            services.log.error("disconnect failed", ["connectionId": id.text, "error": "\(error)"])
            return HandlerOutcome(ProxyResponse(statusCode: 500))
        }
    }
}
