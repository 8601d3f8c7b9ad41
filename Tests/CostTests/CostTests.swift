import ChatBroadcast
import ChatHandlers
import ChatModel
import ChatStore
import ChatWire
import Logs
import Synchronization
import Testing

/// Time as the test turns it.
private final class Clock: WallClock {
    private let milliseconds = Mutex<Int64>(1_795_268_240_000)
    func now() -> Timestamp { Timestamp(milliseconds: milliseconds.withLock { $0 }) }
    func advance(_ duration: Seconds) { milliseconds.withLock { $0 += duration.milliseconds } }
}

/// Reaches everybody.
private struct Silence: Poster {
    func post(_ frame: [UInt8], to connections: [ConnectionID]) async -> Delivery { Delivery() }
    func close(_ connection: ConnectionID, _ code: ServerClose) async {}
}

/// The service on a metered table. Ids have 16 bytes and the tenant 12, as `schema/README.md` assumes.
private struct House {
    let table = MeteredTable()
    let clock = Clock()
    let services: ChatServices

    init(_ settings: Settings = Settings()) {
        services = ChatServices(
            table: table, poster: Silence(), verifier: nil, settings: settings, clock: clock, log: .silent)
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

    func sweep() async throws -> Units {
        _ = table.take()
        _ = try await Cleanup(services).handle(Array("{}".utf8))
        return table.take()
    }

    /// Users 100, 101, … with a connection each, in the room.
    func crowd(_ count: Int, in room: String) async {
        for number in 100..<(100 + count) {
            await run(.connect, user: number, connection: number)
            await run(.joinRoom, ",\"roomId\":\"\(room)\"", user: number, connection: number)
        }
    }
}

private let lobby = "lobby00000000016"
private let roomField = ",\"roomId\":\"\(lobby)\""
private let body = ",\"body\":\"" + String(repeating: "b", count: 200) + "\""

/// `schema/README.md` in numbers.
struct CostTests {
    private let house = House()

    @Test func `connecting`() async throws {
        #expect(await house.run(.connect) == Units(read: 0, write: 6, index: 2))
    }

    @Test func `joining, leaving, joining again`() async throws {
        await house.run(.connect)
        await house.run(.connect, connection: 2)
        // admit, session, head, roster, members; connection, membership, presence, due, room; publish
        #expect(await house.run(.joinRoom, roomField) == Units(read: 5 + 1 + 1, write: 10 + 2, index: 2))
        #expect(await house.run(.joinRoom, roomField) == Units(read: 5 + 1, write: 0, index: 0))
        #expect(await house.run(.joinRoom, roomField, connection: 2) == Units(read: 5 + 1, write: 6, index: 1))
        #expect(await house.run(.leaveRoom, roomField, connection: 2) == Units(read: 3, write: 6, index: 1))
        #expect(await house.run(.leaveRoom, roomField, connection: 2) == Units(read: 1, write: 0, index: 0))
        #expect(await house.run(.leaveRoom, roomField) == Units(read: 3 + 1, write: 8 + 2, index: 1))
        #expect(await house.run(.joinRoom, roomField) == Units(read: 5 + 1 + 1, write: 8 + 2, index: 1))
    }

    @Test func `sending to a room of 200`() async throws {
        await house.crowd(200, in: lobby)
        let send = { (fields: String) in await house.run(.sendMessage, fields, user: 100, connection: 100) }
        #expect(await send(roomField + body) == Units(read: 2 + 10, write: 4, index: 0))
        #expect(await send(body) == Units(read: 2 + 10, write: 4, index: 0))
        #expect(await send(roomField + body + ",\"clientMessageId\":\"0123456789abcdef\"") == Units(read: 3 + 10, write: 6, index: 0))
        #expect(await send(roomField + body + ",\"clientMessageId\":\"0123456789abcdef\"") == Units(read: 3, write: 0, index: 0))
        let long = ",\"body\":\"" + String(repeating: "b", count: 16_384) + "\""
        #expect(await send(roomField + long) == Units(read: 2 + 10, write: 36, index: 0))
        let everyone = await send(",\"everyone\":true" + body)
        #expect(everyone == Units(read: 1 + 16 * 0.5, write: 0, index: 0))
        let online = await house.run(.online, user: 100, connection: 100)
        #expect(online == Units(read: 1 + 16 * 0.5 + 109, write: 0, index: 0))
        #expect(await house.run(.online, roomField, user: 100, connection: 100) == Units(read: 107, write: 0, index: 0))
        await house.run(.connect)
        #expect(await house.run(.joinRoom, roomField) == Units(read: 5 + 9 + 10, write: 8 + 2, index: 1))
    }

    @Test func `sending to a user`() async throws {
        for number in 1...3 { await house.run(.connect, user: 1, connection: number) }
        await house.run(.connect, user: 2, connection: 4)
        let fields = ",\"destinationUserId\":\"\(house.id("user", 2))\"" + body
        #expect(await house.run(.sendMessage, fields) == Units(read: 2 + (1 + 1) + (1 + 3), write: 4, index: 0))
    }

    @Test func `reading history`() async throws {
        await house.run(.connect)
        await house.run(.joinRoom, roomField)
        for _ in 0..<310 { await house.run(.sendMessage, roomField + body) }
        #expect(await house.run(.history, roomField) == Units(read: 6, write: 0, index: 0))
        #expect(await house.run(.history, roomField + ",\"limit\":300") == Units(read: 27, write: 0, index: 0))
        #expect(await house.run(.joinRoom, roomField + ",\"since\":0") == Units(read: 5 + 1 + 26, write: 0, index: 0))
    }

    @Test func `heartbeats`() async throws {
        await house.run(.connect)
        await house.run(.joinRoom, roomField)
        #expect(await house.run(.heartbeat) == Units(read: 1, write: 0, index: 0))
        house.clock.advance(150)
        #expect(await house.run(.heartbeat, ",\"rooms\":true") == Units(read: 2, write: 1, index: 0))
    }

    @Test func `ending`() async throws {
        await house.run(.connect)
        await house.run(.joinRoom, roomField)
        #expect(await house.run(.disconnect) == Units(read: 3 + 1, write: 15, index: 3))
        #expect(await house.run(.disconnect) == Units(read: 0, write: 1, index: 0))
    }

    @Test func `sweeping`() async throws {
        let first = try await house.sweep()
        #expect(first == Units(read: 3873, write: 5, index: 0))
        house.clock.advance(60)
        let second = try await house.sweep()
        #expect(second == Units(read: 129, write: 1, index: 0))
        await house.run(.connect)
        house.clock.advance(300)
        await house.run(.heartbeat)
        _ = try await house.sweep()
        house.clock.advance(300)
        // The row has come up and its lease was renewed: moved. Two more minutes are looked at than a round a minute does.
        let third = try await house.sweep()
        #expect(third == Units(read: 1 + 8 * 32 + 1, write: 1 + 3, index: 0))
    }
}
