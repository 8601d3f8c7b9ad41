import ChatModel
import ChatWire
import Gateway
import Glibc

extension ServerConfiguration {
    func gateway(_ routes: TenantRoutes) -> GatewayConfiguration {
        var gateway = GatewayConfiguration()
        gateway.host = host
        gateway.port = port
        gateway.managementHost = managementHost
        gateway.managementPort = managementPort
        gateway.managementToken = managementToken
        gateway.stage = stage
        gateway.threads = threads
        // Children would take turns by room all the same.
        gateway.concurrentRoutes = handlersFolder == nil ? [.sendMessage] : []
        gateway.sendQueueBytes = sendQueueBytes
        gateway.idleTimeout = .seconds(idleTimeout.count)
        gateway.maxAge = .seconds(environment.settings.maxConnectionAge.count)
        gateway.rateLimit = environment.rateLimit
        gateway.addressLimit = addressLimit
        gateway.rateLimitedReply = { body in
            let envelope = FrameEnvelope(parsing: body)
            return ServerFrame.error(.rateLimited, action: envelope.echoedAction, requestID: envelope.requestID)
        }
        gateway.extraRoutes = { await routes.answer($0) }
        gateway.stopTimeout = .seconds(3)
        gateway.log = log
        return gateway
    }

    /// Checks the folder of handlers and begins to start them.
    func startChildren(
        _ folder: String, databasePath: String, managementPort: UInt16
    ) throws(ServerError) -> ChildHandlers {
        let folder = absolute(folder)
        let names = Route.allCases.map(\.handlerName) + ["Cleanup", "Publish"]
        for name in names where unsafe access("\(folder)/\(name)/bootstrap", X_OK) != 0 {
            throw ServerError("there is no handler \(folder)/\(name)/bootstrap; run make handlers, or correct --handlers")
        }
        var children = ChildHandlersConfiguration(
            directory: folder,
            environment: childEnvironment(databasePath: databasePath, managementPort: managementPort))
        children.concurrency = handlerConcurrency
        children.log = log
        do throws(GatewayError) {
            let started = try ChildHandlers(children)
            started.warm(names)
            return started
        } catch {
            throw ServerError(describing: error)
        }
    }
}
