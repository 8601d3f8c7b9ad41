import ChatModel
import Simulation

/// What two tenants' clients do who try to reach each other: names that could be taken for one another in a key, and
/// whatever one has heard, given by the other.
struct TenantScript {
    static let pairs = [
        ("acme", "acme.x"), ("acme", "acme:"), ("t", "T"), ("1", "10"), ("ROOMS", "META"), ("K", "k"), ("a@b", "a"), ("CONN", "0"),
    ]
    static let users = [
        "alice", "a#b", "a", "b", "#", "%", "%23", "a%23b", "e\u{301}", "\u{E9}", "K", "\u{212A}", "META", "CONN#c1=", "USER#a", "acme.x#alice",
        "x#alice", "\u{1F600}", "a!", "a ", "\u{FFFD}", "T#a", "0#a",
    ]
    static let rooms = ["lobby", "META", "ROOMS", "r", "r.x", "x", "alice", "CONN", "0"]
    static let names = ["1", "#", "%23", "K", "\u{212A}", "lobby#1", "META"]

    let tenants: [String]
    private var random: any RandomSource
    private var opened = [0, 0]
    /// What each tenant has heard that it could tell the other.
    private var cursors: [[String]] = [["YQ"], ["YQ"]]
    private var epochs: [[String]] = [["none"], ["none"]]
    private var tokens: [[String]] = [[], []]
    /// The token that each connection came in with.
    private var used: [String: String] = [:]
    /// Bodies have the mark of the tenant that they were said in.
    static let marks = ["\u{A7}one\u{A7}", "\u{A7}two\u{A7}"]

    init(_ pair: (String, String), seed: UInt64) {
        tenants = [pair.0, pair.1]
        random = SeededRandom(seed)
    }

    /// Everything that the other tenant has and this one must not.
    func secrets(of tenant: Int, _ world: TenantWorld) -> [String] {
        [Self.marks[tenant]] + epochs[tenant].dropFirst() + (world.connections[tenant] ?? []).map { #""connectionId":"\#($0)""# }
    }

    mutating func next(_ world: TenantWorld) -> TenantWorld.Step {
        let tenant = pick([0, 1])
        guard let ids = world.connections[tenant], ids.count >= 3, chance(92) else { return connect(tenant, world) }
        switch roll(100) {
        case 0: return .advance(Int64(pick([1, 1, 200, 700])))
        case 1...3: return .disconnect(tenant, pick(ids))
        case 4...6: return .publish(tenant, publication(tenant))
        default:
            let id = pick(ids)
            return .frame(tenant, id, frame(tenant, id, world))
        }
    }

    /// Remembers what a tenant's client was answered.
    mutating func hear(_ reply: Frame, _ tenant: Int) {
        if let next = reply.string("next") { cursors[tenant].append(next) }
        if let epoch = reply.string("epoch"), !epochs[tenant].contains(epoch) { epochs[tenant].append(epoch) }
    }

    private mutating func connect(_ tenant: Int, _ world: TenantWorld) -> TenantWorld.Step {
        opened[tenant] += 1
        let token = world.token(chance(50) ? pick(Array(Self.users.prefix(8))) : pick(Self.users), tenants[tenant], roles: chance(30) ? ["admin"] : [])
        tokens[tenant].append(token)
        // One tenant's ids are beginnings of the other's.
        let id = "c\(opened[tenant])" + (tenant == 0 ? "" : "=")
        used[id] = token
        return .connect(tenant, id, token: token)
    }

    private mutating func publication(_ tenant: Int) -> String {
        let addressee = pick([#""roomId":"lobby""#, #""everyone":true"#, #""destinationUserId":"\#(pick(Self.users))""#])
        let body = "\(Self.marks[tenant]) \(roll(1000))"
        return #"{"tenantId":"\#(tenants[tenant])","senderId":"\#(pick(Self.users))",\#(addressee),"body":"\#(body)","clientMessageId":"1"}"#
    }

    private mutating func frame(_ tenant: Int, _ id: String, _ world: TenantWorld) -> String {
        let room = chance(60) ? "lobby" : chance(70) ? pick(Self.rooms) : pick(["\(tenants[1 - tenant])#lobby", "lobby#META", "%23", "\u{212A}"])
        let named = chance(60) ? #","clientMessageId":"\#(chance(50) ? "1" : pick(Self.names))""# : ""
        let body = "\(Self.marks[tenant]) \(roll(1000))"
        switch roll(12) {
        case 0, 1: return #"{"action":"joinRoom","roomId":"\#(room)"}"#
        case 2:
            let epoch = chance(60) ? TenantWorld.ownEpoch : pick(epochs[1 - tenant])
            return #"{"action":"joinRoom","roomId":"\#(room)","since":\#(roll(5)),"epoch":"\#(epoch)"}"#
        case 3: return #"{"action":"leaveRoom","roomId":"\#(room)"}"#
        case 4, 5: return #"{"action":"sendMessage","roomId":"\#(room)","body":"\#(body)"\#(named)}"#
        case 6:
            let user = chance(85) ? pick(Array(Self.users.prefix(8))) : pick(world.connections[1 - tenant] ?? ["c1="])
            return #"{"action":"sendMessage","destinationUserId":"\#(user)","body":"\#(body)"\#(named)}"#
        case 7: return #"{"action":"sendMessage","everyone":true,"body":"\#(body)"}"#
        case 8: return #"{"action":"heartbeat","rooms":true}"#
        case 9:
            let place = chance(50) ? #","roomId":"\#(room)""# : ""
            let next = chance(50) ? #","next":"\#(pick(cursors[pick([0, 1])]))""# : ""
            return #"{"action":"online","limit":\#(1 + roll(3))\#(place)\#(next)}"#
        case 10:
            let place = chance(50) ? #""roomId":"\#(room)""# : #""destinationUserId":"\#(pick(Self.users))""#
            return #"{"action":"history",\#(place)}"#
        default:
            let token = chance(50) ? used[id] ?? "" : pick(tokens[pick([0, 1])] + tokens[1 - tenant] + ["none"])
            return #"{"action":"refreshToken","token":"\#(token)"}"#
        }
    }

    private mutating func roll(_ count: Int) -> Int { Int(random.next() >> 33) % count }
    private mutating func chance(_ percent: Int) -> Bool { roll(100) < percent }
    private mutating func pick<Element>(_ elements: [Element]) -> Element { elements[roll(elements.count)] }
}
