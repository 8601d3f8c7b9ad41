import ChatModel
import ChatWire

/// What an action cost: DynamoDB's units, those of indexes included, and posts.
struct ActionCost: Equatable, CustomStringConvertible {
    var action: String
    var read: Double
    var write: Int
    var posts: Int

    init(_ action: String, _ units: Units, posts: Int) {
        (self.action, read, write, self.posts) = (action, units.read, units.write + units.index, posts)
    }

    /// As a cell of the table in `schema/cost.md`.
    var description: String {
        let reads = read == read.rounded() ? "\(Int(read))" : "\(read)"
        return "\(reads) / \(write) / \(posts)"
    }
}

/// Every action, once, in a room of so many connections of as many users.
struct RoomCosts {
    private let house: House
    private let size: Int
    private static let room = ",\"roomId\":\"lobby00000000016\""
    private static let body = ",\"body\":\"" + String(repeating: "b", count: 200) + "\""

    init(room size: Int, on table: any CountingTable = MeteredTable()) {
        self.size = size
        house = House(on: table)
    }

    /// The actions of the first member, a newcomer's, and a member's end.
    func counted() async throws -> [ActionCost] {
        try await house.crowd(size, in: "lobby00000000016")
        _ = house.takePosts()
        let (room, body) = (RoomCosts.room, RoomCosts.body)
        var costs: [ActionCost] = []
        func count(_ name: String, _ route: Route, _ fields: String = "", user: Int = 100) async {
            let units = await house.run(route, fields, user: user, connection: user)
            costs.append(ActionCost(name, units, posts: house.takePosts()))
        }
        await count("`sendMessage`", .sendMessage, room + body)
        await count("… with `clientMessageId`", .sendMessage, room + body + ",\"clientMessageId\":\"0123456789abcdef\"")
        await count("… its duplicate", .sendMessage, room + body + ",\"clientMessageId\":\"0123456789abcdef\"")
        await count("`sendMessage` to a user", .sendMessage, ",\"destinationUserId\":\"\(house.id("user", 101))\"" + body)
        await count("`sendMessage` to everyone", .sendMessage, ",\"everyone\":true" + body)
        await count("`heartbeat`, lease fresh", .heartbeat)
        await count("`online` in the room", .online, room)
        await count("`online` in the tenant", .online)
        for _ in 0..<50 { await house.run(.sendMessage, room + body, user: 100, connection: 100) }
        _ = house.takePosts()
        await count("`history`, 50 messages", .history, room)
        // One joins and leaves that makes the room as large as its name says while everybody is told.
        await house.run(.leaveRoom, room, user: 101, connection: 101)
        _ = house.takePosts()
        await count("`$connect`", .connect, user: 50)
        await count("`joinRoom`", .joinRoom, room, user: 50)
        await count("… joined already", .joinRoom, room, user: 50)
        await count("`leaveRoom`", .leaveRoom, room, user: 50)
        await house.run(.joinRoom, room, user: 50, connection: 50)
        _ = house.takePosts()
        await count("`$disconnect` of a member", .disconnect, user: 50)
        house.clock.advance(150)
        await count("`heartbeat` after a quarter of the lease", .heartbeat)
        return costs
    }
}

/// An hour of one client that says nothing, heartbeat by heartbeat, and of the sweep that looks after it.
struct QuietHour {
    var heartbeats: Units
    /// What the sweep costs because of the client; its rounds cost the same with none.
    var sweep: Units

    static func counted() async throws -> QuietHour {
        let (idle, kept) = (try await hour(isConnected: false), try await hour(isConnected: true))
        let sweep = Units(
            read: kept.sweep.read - idle.sweep.read, write: kept.sweep.write - idle.sweep.write,
            index: kept.sweep.index - idle.sweep.index)
        return QuietHour(heartbeats: kept.heartbeats, sweep: sweep)
    }

    private static func hour(isConnected: Bool) async throws -> QuietHour {
        let house = House()
        _ = try await house.sweep()
        if isConnected { await house.run(.connect) }
        var hour = QuietHour(heartbeats: Units(), sweep: Units())
        for minute in 1...60 {
            house.clock.advance(60)
            if isConnected, minute % 5 == 0 { hour.heartbeats += await house.run(.heartbeat) }
            hour.sweep += try await house.sweep()
        }
        return hour
    }
}

extension Units {
    static func += (sum: inout Units, more: Units) {
        sum = Units(read: sum.read + more.read, write: sum.write + more.write, index: sum.index + more.index)
    }
}
