import ChatModel
import ChatStore

/// Accounts for every row of a table at rest: whose it is, and that nothing it needs or promises is missing.
struct Audit {
    private let items: [Item]
    private let byKey: [Key: Item]
    private(set) var faults: [String] = []

    init(_ service: Service) {
        items = service.table.memory.allItems()
        byKey = Dictionary(uniqueKeysWithValues: items.map { ($0.key, $0) })
        for item in items { check(item) }
    }

    private mutating func fault(_ item: Item, _ what: String) { faults.append("\(item.key.pk) \(item.key.sk): \(what)") }

    private mutating func check(_ item: Item) {
        if item.number("v") != 1 { fault(item, "has no format version") }
        let kind = item.key.pk.prefix { $0 != "#" }
        switch (kind, item.key.sk.prefix { $0 != "#" }) {
        case ("CONN", "META"): connection(item)
        case ("LEASE", "CONN"):
            if Self.id(item).map({ byKey[Keys.connection($0)] == nil }) != false { fault(item, "of no connection") }
        case ("ROOM", "CONN"): membership(item)
        case ("ROOM", "USER"): presence(item)
        case ("USER", "META"):
            let ids = item.strings("connections")
            if ids.isEmpty { fault(item, "a user with no connections") }
            for id in ids where byKey[Key("CONN#\(id)", "META")] == nil { fault(item, "counts \(id), which is gone") }
        case ("ROOM", "META"), ("DM", "META"): head(item)
        case ("ROOM", "MSG"), ("DM", "MSG"), ("SWEEP", "META"): break
        case ("SENT", "ID"): if item.number("expiresAt") == nil { fault(item, "never expires") }
        default: fault(item, "unexpected")
        }
    }

    private static func id(_ item: Item) -> ConnectionID? { ConnectionID(String(item.key.sk.dropFirst(5))) }

    private mutating func connection(_ item: Item) {
        guard let connection = Connection(item: item) else { return fault(item, "unreadable") }
        if connection.ended != nil { fault(item, "ended and still there") }
        let minute = item.number("wheelMinute") ?? 0
        if byKey[Keys.lease(connection.id, minute: minute)] == nil { fault(item, "has no row in the wheel") }
        if minute > Keys.minute(of: connection.expiresAt) { fault(item, "its row in the wheel is later than its lease") }
        let user = byKey[Keys.user(User(connection.tenantID, connection.userID))]
        if user?.strings("connections").contains(connection.id.text) != true { fault(item, "its user does not count it") }
        for name in connection.rooms {
            guard let room = RoomID(name) else { continue }
            if byKey[Keys.membership(Room(connection.tenantID, room), connection.id)] == nil {
                fault(item, "notes \(name), of which it is no member")
            }
        }
    }

    private mutating func membership(_ item: Item) {
        guard let id = Self.id(item), let connection = byKey[Keys.connection(id)] else {
            return fault(item, "an orphan")
        }
        let room = item.key.pk.split(separator: "#").last.map(String.init) ?? ""
        if !connection.strings("rooms").contains(room) { fault(item, "its connection does not note it") }
    }

    private mutating func presence(_ item: Item) {
        let members = items.filter {
            $0.key.pk == item.key.pk && $0.key.sk.hasPrefix("CONN#") && $0.string("userId") == item.string("userId")
        }
        if Set(members.compactMap { Self.id($0)?.text }) != item.strings("connections") {
            fault(item, "counts \(item.strings("connections").sorted())")
        }
        if item["pending"] != nil { fault(item, "\(item.string("pending") ?? "") was not published") }
        if item.strings("connections").isEmpty != (item["expiresAt"] != nil) { fault(item, "expires when it should not, or never") }
    }

    private mutating func head(_ item: Item) {
        let seqs = items.filter { $0.key.pk == item.key.pk && $0.key.sk.hasPrefix("MSG#") }.compactMap { $0.number("seq") }
        if seqs != Array(1..<(item.number("seq") ?? 0) + 1) { fault(item, "seqs \(seqs), head \(item.number("seq") ?? -1)") }
    }
}
