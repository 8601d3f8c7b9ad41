import ChatBroadcast
import ChatHandlers
import ChatModel
import ChatStore
import ChatWire
import Gateway
import KeySources
import Logs
import SQLiteTable

/// The whole service on this machine: gateway, handlers, SQLite, cleanup.
public final class LocalServer: Sendable {
    /// Held as long as the server lives.
    private let folder: DataFolder
    private let gateway: Gateway
    private let table: SQLiteTable
    private let children: ChildHandlers?
    private let cleanup: Task<Void, Never>

    public let port: UInt16
    public let managementPort: UInt16
    /// The secret that tokens are signed with, if it was generated here for want of a configured one.
    public let generatedSecret: String?

    /// Opens the data folder, ends what the last run left, and accepts connections.
    public init(_ configuration: ServerConfiguration) async throws(ServerError) {
        var configuration = configuration
        let folder = try DataFolder(configuration.dataFolder)
        self.folder = folder
        folder.removeAddress()
        let log = configuration.log
        if configuration.environment.secret == nil, configuration.environment.keySet == nil {
            generatedSecret = try folder.secret()
            configuration.environment.secret = generatedSecret
        } else {
            generatedSecret = nil
        }
        let verifier = try await configuration.verifier()

        let poster = LocalPoster()
        let index = RoomIndex(poster)
        let order = CommitOrder()
        let isInProcess = configuration.handlersFolder == nil
        let table = try explained {
            try SQLiteTable(path: folder.databasePath, options: isInProcess ? .alone : .init()) { changes in
                guard isInProcess else { return }
                index.apply(changes)
                order.announce(changes)
            }
        }
        self.table = table
        let services = ChatServices(
            table: table, poster: poster, rooms: isInProcess ? index : nil, order: isInProcess ? order : Unordered(),
            verifier: verifier, settings: configuration.environment.settings, marksPresence: !isInProcess, log: log)
        try await explained { try await LastRun(table: table, services: services, log: log).end() }

        let backend = LateBackend()
        let routes = TenantRoutes(services: services, log: log) { await backend.publish($0, $1) }
        let gateway = try explained { try Gateway(configuration.gateway(routes)) }
        self.gateway = gateway
        poster.attach(gateway)
        (port, managementPort) = (gateway.port, gateway.managementPort)
        try folder.leaveAddress(host: configuration.managementHost, port: gateway.managementPort)

        if let handlersFolder = configuration.handlersFolder {
            let children = try configuration.startChildren(
                handlersFolder, databasePath: folder.databasePath, managementPort: gateway.managementPort)
            self.children = children
            let turns = StreamTurns()
            backend.set(ChildBackend(children: children, turns: turns))
            gateway.start(ChildRoutes(children: children, services: services, turns: turns))
        } else {
            children = nil
            backend.set(InProcessBackend(services: services))
            gateway.start(InProcessHandlers(router: HandlerRouter(services)))
        }
        let worker = CleanupWorker(
            sweep: { try await backend.sweep() }, table: table, order: order, clock: SystemClock(), log: log,
            interval: CleanupWorker.interval(for: configuration.environment.settings))
        cleanup = Task { await worker.run() }
    }

    /// Stops accepting, closes every socket with 1001, lets handlers finish, flushes. Returns within 5 s.
    public func stop() async {
        folder.removeAddress()
        cleanup.cancel()
        await gateway.stop()
        await children?.stop()
        table.close()
    }
}

extension SQLiteTable.Options {
    /// For a process that alone writes the file, and at its start ends every connection of the run before.
    static let alone = SQLiteTable.Options(
        caches: Keys.isReadOften, isDurable: Keys.mustBeDurable, answering: Gateway.gatheringWakeUps)
}

/// Turns any part's error into the one line that the operator sees.
private func explained<Value>(_ body: () throws -> Value) throws(ServerError) -> Value {
    do {
        return try body()
    } catch {
        throw ServerError(describing: error)
    }
}

private func explained<Value>(_ body: () async throws -> Value) async throws(ServerError) -> Value {
    do {
        return try await body()
    } catch {
        throw ServerError(describing: error)
    }
}

extension ServerError {
    /// The words for what can keep a server from starting.
    public init(describing error: any Error) {
        switch error {
        case let error as ServerError: self = error
        case GatewayError.addressInUse(let host, let port):
            self.init("port \(port) on \(host) is in use; stop what listens there or choose another port")
        case GatewayError.addressUnavailable(let host, let port):
            self.init("cannot listen on \(host):\(port); give an address of this machine")
        case GatewayError.managementExposed(let host):
            self.init(
                "the management listener on \(host) is reached from other machines: give it a --management-token, or a loopback address")
        case GatewayError.system(let failure): self.init("\(failure.call) failed: \(systemError(failure.errno))")
        case let error as TableError: self.init("the database in the data folder fails: \(error)")
        default: self.init("\(error)")
        }
    }
}
