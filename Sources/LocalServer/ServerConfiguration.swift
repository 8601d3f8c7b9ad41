import ChatHandlers
import ChatModel
import Gateway
import Logs

/// Everything `muster serve` can be told.
public struct ServerConfiguration: Sendable {
    public var host = "127.0.0.1"
    public var port: UInt16 = 8080
    public var managementHost = "127.0.0.1"
    public var managementPort: UInt16 = 8081
    public var managementToken: String?
    public var sendQueueBytes = 1 << 20
    public var dataFolder = ".muster"
    public var stage = "local"
    /// The folder of deployable handlers to run as children; nil runs the same code in this process.
    public var handlersFolder: String?
    /// Children of one handler at most.
    public var handlerConcurrency = 8
    public var threads = 1
    public var idleTimeout: Seconds = 600
    /// Connections of one client address.
    public var addressLimit = AddressLimit()
    public var environment: ServiceEnvironment
    public var log: Log

    public init(environment: ServiceEnvironment, log: Log) {
        self.environment = environment
        self.log = log
    }
}
