import ChatBroadcast
import ChatHandlers
import ChatModel
import ChatStore
import ChatWire
import Logs
import Metrics
import Simulation
import Synchronization
import Testing
import Tokens

/// How the table beneath behaves; nothing above may tell.
struct Layout: Sendable, CustomTestStringConvertible {
    var pageSize = 1000
    var indexLag = false
    var testDescription: String { "pages of \(pageSize)\(indexLag ? ", indexes lag" : "")" }

    static let all = [1, 2, 1000].flatMap { [Layout(pageSize: $0), Layout(pageSize: $0, indexLag: true)] }
}

/// The whole service on one table, with its clock, its chance and its sockets in the test's hands.
final class Service: Sendable {
    static let secret = Array("a secret of at least thirty-two bytes".utf8)

    let clock = ManualClock()
    let poster = RecordingPoster()
    let table: ProbedTable
    let metrics = Metrics()
    let services: ChatServices
    let settings: Settings
    private let router: HandlerRouter
    private let minter: TokenMinter
    private let connections = Mutex(0)

    init(
        _ layout: Layout = Layout(), settings: Settings = Settings(), hasKeys: Bool = true, judge: (any TokenJudge)? = nil, yieldSeed: UInt64? = nil,
        appliesInOrder: Bool = false, rateLimit: RateLimit = .off, log: Log = .silent
    ) throws {
        table = ProbedTable(
            pageSize: layout.pageSize, indexLag: layout.indexLag, yieldSeed: yieldSeed,
            appliesInOrder: appliesInOrder)
        self.settings = settings
        minter = try TokenMinter(secret: Service.secret)
        services = ChatServices(
            table: table, poster: poster,
            verifier: try judge ?? (hasKeys ? TokenVerifier(keys: KeySet([TokenKey(secret: Service.secret)])) : nil),
            settings: settings, clock: clock, random: SeededRandom(1), rateLimit: rateLimit, metrics: metrics, log: log)
        router = HandlerRouter(services)
        table.onDeath.withLock { [poster] in $0 = { poster.die(true) } }
    }

    /// Another instance on the same table and sockets, as a second Lambda is: what it remembers is its own.
    init(beside other: Service, settings: Settings? = nil) throws {
        (table, minter) = (other.table, other.minter)
        self.settings = settings ?? other.settings
        other.poster.die(false)
        services = ChatServices(
            table: other.table, poster: other.poster,
            verifier: TokenVerifier(keys: KeySet([try TokenKey(secret: Service.secret)])), settings: self.settings,
            clock: other.clock, random: SeededRandom(2), log: .silent)
        router = HandlerRouter(services)
    }

    func token(
        _ user: String, _ tenant: String = "acme", rooms: [String]? = nil, roles: [String] = [],
        expiresIn: Int64 = 86_400
    ) -> String {
        minter.mint(
            NewToken(user: user, tenant: tenant, rooms: rooms, roles: roles, expiresIn: expiresIn),
            now: clock.now().milliseconds)
    }

    func nextConnectionID() -> String {
        connections.withLock { count in
            count += 1
            return "c\(count)="
        }
    }

    /// A `$connect` with nothing but its id.
    func connectEvent(_ id: String? = nil) -> GatewayEvent {
        GatewayEvent(GatewayEvent.Context(connectionID: id ?? nextConnectionID(), routeKey: "$connect"))
    }

    func connectEvent(token: String) -> GatewayEvent {
        var event = connectEvent()
        event.query = [("token", token)]
        return event
    }

    /// Raises `$connect`; a 200 opens the socket.
    func connect(_ event: GatewayEvent) async -> ProxyResponse {
        let outcome = await router.handle(.connect, event)
        if outcome.response.statusCode == 200 { poster.connect(event.context.connectionID) }
        await outcome.afterward?()
        return outcome.response
    }

    func connect(
        _ user: String, _ tenant: String = "acme", rooms: [String]? = nil, roles: [String] = [],
        expiresIn: Int64 = 86_400, location: SourceLocation = #_sourceLocation
    ) async -> Client {
        let event = connectEvent(token: token(user, tenant, rooms: rooms, roles: roles, expiresIn: expiresIn))
        let response = await connect(event)
        #expect(response.statusCode == 200, sourceLocation: location)
        return Client(service: self, id: event.context.connectionID)
    }

    func outcome(_ id: String, _ body: String, authorizer: [String: String] = [:]) async -> HandlerOutcome {
        let action = Frame(Array(body.utf8)).string("action")
        let route = Route(action: action)
        var context = GatewayEvent.Context(connectionID: id, routeKey: route.rawValue)
        context.authorizer = authorizer
        return await router.handle(route, GatewayEvent(context, body: body))
    }

    func disconnect(_ id: String) async -> Int {
        poster.lose(id)
        let context = GatewayEvent.Context(connectionID: id, routeKey: "$disconnect")
        let outcome = await router.handle(.disconnect, GatewayEvent(context))
        await outcome.afterward?()
        return outcome.response.statusCode
    }

    func cleanup(_ payload: String) async throws -> Frame {
        settleIndexes()
        return Frame(try await Cleanup(services).handle(Array(payload.utf8)))
    }

    @discardableResult
    func sweep() async throws -> Frame { try await cleanup("{}") }

    /// Turns the clock; what indexes had not seen, they see.
    func advance(_ seconds: Int64, milliseconds: Int64 = 0) {
        clock.advance(milliseconds: seconds * 1000 + milliseconds)
        settleIndexes()
    }

    /// Turns the clock with a sweep every so many seconds.
    func advance(_ seconds: Int64, sweepingEvery interval: Int64) async throws {
        for _ in 0..<seconds / interval {
            advance(interval)
            try await sweep()
        }
        advance(seconds % interval)
    }

    /// Puts users into a room, one connection each, told to nobody: what takes too long frame by frame.
    func fill(_ room: String, _ users: [String]) async throws {
        let repository = ChatRepository(table: table, settings: settings, random: SeededRandom(3))
        for name in users {
            guard let id = ConnectionID(nextConnectionID()), let tenant = TenantID("acme"), let userID = UserID(name),
                let roomID = RoomID(room)
            else { continue }
            let now = clock.now()
            let connection = Connection(
                id: id, tenantID: tenant, userID: userID, connectedAt: now,
                expiresAt: repository.leaseEnd(from: now, tokenExpiresAt: now + 86_400), lastSeen: now,
                tokenExpiresAt: now + 86_400)
            _ = try await repository.open(connection)
            poster.connect(id.text)
            guard case .joined(let event?) = try await repository.join(id, User(tenant, userID), Room(tenant, roomID), at: now)
            else { continue }
            try await repository.published(event)
        }
    }

    /// As if the sweep had always run: the first one of a table looks two hours back.
    func sweptSoFar() async throws {
        let repository = ChatRepository(table: table.memory, settings: settings)
        try await repository.setSweptMinute(Keys.minute(of: clock.now()))
    }

    func settleIndexes() { table.memory.settleIndexes() }

    /// A process died; another takes its place.
    func revive() {
        table.revive()
        poster.die(false)
    }
}

/// One connection, from the client's side.
struct Client: Sendable {
    let service: Service
    let id: String

    /// Sends a frame and lets its fan-out happen.
    @discardableResult
    func send(_ frame: String, location: SourceLocation = #_sourceLocation) async -> Frame {
        let (reply, afterward) = await ask(frame, location: location)
        await afterward()
        return reply
    }

    /// Sends a frame and leaves its fan-out to the caller.
    func ask(
        _ frame: String, location: SourceLocation = #_sourceLocation
    ) async -> (reply: Frame, afterward: @Sendable () async -> Void) {
        let outcome = await service.outcome(id, frame)
        #expect(outcome.response.statusCode == 200, "a message route always answers 200", sourceLocation: location)
        return (Frame(outcome.response.body ?? []), outcome.afterward ?? {})
    }

    @discardableResult
    func join(_ room: String, _ more: String = "", location: SourceLocation = #_sourceLocation) async -> Frame {
        let reply = await send(#"{"action":"joinRoom","roomId":"\#(room)"\#(more)}"#, location: location)
        #expect(reply.type == "joined", "\(reply)", sourceLocation: location)
        return reply
    }

    @discardableResult
    func leave(_ room: String, location: SourceLocation = #_sourceLocation) async -> Frame {
        let reply = await send(#"{"action":"leaveRoom","roomId":"\#(room)"}"#, location: location)
        #expect(reply.type == "left", "\(reply)", sourceLocation: location)
        return reply
    }

    @discardableResult
    func say(_ body: String, in room: String, _ more: String = "") async -> Frame {
        await send(#"{"action":"sendMessage","roomId":"\#(room)","body":"\#(body)"\#(more)}"#)
    }

    @discardableResult
    func tell(_ user: String, _ body: String, _ more: String = "") async -> Frame {
        await send(#"{"action":"sendMessage","destinationUserId":"\#(user)","body":"\#(body)"\#(more)}"#)
    }

    @discardableResult
    func heartbeat() async -> Frame { await send(#"{"action":"heartbeat"}"#) }

    @discardableResult
    func disconnect() async -> Int { await service.disconnect(id) }

    var frames: [Frame] { service.poster.frames(id) }
    var presence: [String] { frames.presence }
    var close: ServerClose? { service.poster.closes.last { $0.id == id }?.code }
}

extension Audit {
    init(_ service: Service) { self.init(service.table.memory.allItems()) }
}
