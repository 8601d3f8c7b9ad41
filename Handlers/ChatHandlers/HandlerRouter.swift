import ChatWire

/// Every route's handler, for an engine that runs them in its own process.
public struct HandlerRouter: Sendable {
    private let services: ChatServices

    public init(_ services: ChatServices) { self.services = services }

    public func handle(_ route: Route, _ event: GatewayEvent) async -> HandlerOutcome {
        switch route {
        case .connect: await Connect(services).handle(event)
        case .disconnect: await Disconnect(services).handle(event)
        case .default: await Default(services).handle(event)
        case .joinRoom: await JoinRoom(services).handle(event)
        case .leaveRoom: await LeaveRoom(services).handle(event)
        case .sendMessage: await SendMessage(services).handle(event)
        case .heartbeat: await Heartbeat(services).handle(event)
        case .online: await Online(services).handle(event)
        case .history: await History(services).handle(event)
        }
    }
}
