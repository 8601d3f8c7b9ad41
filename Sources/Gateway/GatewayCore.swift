import ChatModel
import Logs
import Synchronization
import WebSocketCodec

/// What the connections of a gateway share.
final class GatewayCore: Sendable {
    let configuration: GatewayConfiguration
    let invoker: any HandlerInvoker
    let directory: ConnectionDirectory
    let sessionLimits: WebSocketSession.Limits
    let addresses: AddressCounts
    private let lifecycles = Mutex(Lifecycles())

    /// Connections whose `$connect` began and whose last handler has not ended.
    private struct Lifecycles {
        var running = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    init(_ configuration: GatewayConfiguration, directory: ConnectionDirectory, invoker: any HandlerInvoker) {
        self.directory = directory
        self.configuration = configuration
        self.invoker = invoker
        addresses = AddressCounts(configuration.addressLimit)
        sessionLimits = WebSocketSession.Limits(
            frames: WebSocketLimits(
                maxFramePayload: configuration.framePayloadBytes, maxMessage: configuration.messageBytes),
            sendQueueBytes: configuration.sendQueueBytes, idleTimeout: configuration.idleTimeout,
            maxAge: configuration.maxAge, messageTimeout: configuration.messageTimeout)
    }

    var log: Log { configuration.log }

    func began() { lifecycles.withLock { $0.running += 1 } }

    func finished() {
        let waiters = lifecycles.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.running -= 1
            guard state.running == 0 else { return [] }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns once no handler of a connection runs any more.
    func allFinished() async {
        await withCheckedContinuation { continuation in
            let isDone = lifecycles.withLock { state in
                if state.running > 0 { state.waiters.append(continuation) }
                return state.running == 0
            }
            if isDone { continuation.resume() }
        }
    }
}
