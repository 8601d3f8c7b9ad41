import ChatBroadcast
import ChatHandlers
import ChatModel
import ChatStore
import ChatWire
import Logs
import Synchronization
import Testing

/// Time as the test turns it.
final class Clock: WallClock {
    private let milliseconds = Mutex<Int64>(1_795_268_240_000)
    func now() -> Timestamp { Timestamp(milliseconds: milliseconds.withLock { $0 }) }
    func advance(_ duration: Seconds) { milliseconds.withLock { $0 += duration.milliseconds } }
}

/// Reaches everybody, and counts.
final class CountingPoster: Poster {
    let posts = Mutex(0)
    func post(_ frame: [UInt8], to connections: [ConnectionID]) async -> Delivery {
        posts.withLock { $0 += connections.count }
        return Delivery()
    }
    func close(_ connection: ConnectionID, _ code: ServerClose) async -> SocketClosing { .closed }
}

/// The service on a metered table. Ids have 16 bytes and the tenant 12, as `schema/README.md` assumes.
struct House {
    let table: any CountingTable
    let poster = CountingPoster()
    let clock = Clock()
    private let settings: Settings
    let services: ChatServices

    init(_ settings: Settings = Settings(), on table: any CountingTable = MeteredTable()) {
        self.settings = settings
        self.table = table
        services = ChatServices(
            table: table, poster: poster, verifier: nil, settings: settings, clock: clock, log: .silent)
    }

    private func event(_ route: String, _ user: Int, _ connection: Int, _ body: String?) -> GatewayEvent {
        var context = GatewayEvent.Context(connectionID: id("connection", connection), routeKey: route)
        context.authorizer = ["tenantId": "tenant000012", "userId": id("user", user), "exp": "1795300000", "roles": "admin"]
        return GatewayEvent(context, body: body)
    }

    func id(_ kind: String, _ number: Int) -> String {
        let digits = String(number)
        return kind + String(repeating: "0", count: 16 - kind.count - digits.count) + digits
    }

    /// Runs a route and the work behind its reply.
    /// - Returns: what the two cost.
    @discardableResult
    func run(_ route: Route, _ fields: String = "", user: Int = 1, connection: Int = 1) async -> Units {
        _ = table.take()
        let event = event(route.rawValue, user, connection, "{\"action\":\"\(route.rawValue)\"\(fields)}")
        let outcome = await HandlerRouter(services).handle(route, event)
        await outcome.afterward?()
        if let body = outcome.response.body { #expect(!String(decoding: body, as: UTF8.self).contains("\"error\""), "\(String(decoding: body, as: UTF8.self))") }
        #expect(outcome.response.statusCode == 200)
        return table.take()
    }

    func kick(user: Int = 1) async throws -> Units {
        _ = table.take()
        let kick = Kick(services, sleep: { _ in })
        try await kick.settle(try await kick.run(User(TenantID("tenant000012")!, UserID(id("user", user))!)))
        return table.take()
    }

    func sweep() async throws -> Units {
        _ = table.take()
        _ = try await Cleanup(services).handle(Array("{}".utf8))
        return table.take()
    }

    /// Users 100, 101, … with a connection each, in the room, told of to everybody. Not through the handlers: each join
    /// lists the room, which a thousand of them would do for a long time.
    func crowd(_ count: Int, in room: String) async throws {
        let repository = ChatRepository(table: table, settings: settings)
        let (now, tenant) = (clock.now(), TenantID("tenant000012")!)
        for number in 100..<(100 + count) {
            let (connection, user) = (ConnectionID(id("connection", number))!, User(tenant, UserID(id("user", number))!))
            _ = try await repository.open(
                Connection(
                    id: connection, tenantID: tenant, userID: user.id, connectedAt: now,
                    expiresAt: repository.leaseEnd(from: now, tokenExpiresAt: Timestamp(seconds: 1_795_300_000)), lastSeen: now,
                    tokenExpiresAt: Timestamp(seconds: 1_795_300_000), roles: ["admin"]))
            let outcome = try await repository.join(connection, user, Room(tenant, RoomID(room)!), at: now)
            if case .joined(let pending?) = outcome { try await repository.published(pending) }
        }
        _ = table.take()
    }

    /// Posts since the last time.
    func takePosts() -> Int {
        poster.posts.withLock { posts in
            defer { posts = 0 }
            return posts
        }
    }
}
