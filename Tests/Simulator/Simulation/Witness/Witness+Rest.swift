import ChatModel
import ChatStore

extension Witness {
    /// Nothing has gone wrong for longer than everything may take: all is as it should be.
    func judgeAtRest(_ devices: [Device], _ items: [Item]) {
        look()
        for connection in connections.values.sorted(by: { $0.id < $1.id }) where !connection.isDeleted {
            if connection.ended != nil { fail(.noOrphans, "\(connection.id) is ended and still there") }
        }
        for device in devices where device.isOpen { check(device) }
        for saying in sayings.values.sorted(by: { $0.body < $1.body }) { check(saying) }
        audit(items)
    }

    /// Everyone has gone, and the ghost bound with them.
    func judgeWhenEmpty(_ items: [Item]) {
        look()
        for item in items {
            switch Row(item.key) {
            case .user where item["refusedUntil"] != nil && item["connections"] == nil: break
            case .connection, .member, .lease, .due, .user: fail(.noOrphans, "\(item.key.short) is left when everyone has gone")
            case .presence:
                if item["connections"] != nil { fail(.ghostBound, "\(item.key.short) counts \(item.strings("connections").sorted())") }
            default: break
            }
        }
        audit(items)
    }

    private func audit(_ items: [Item]) {
        for fault in Audit(items, isServer: isServer).faults { fail(.noOrphans, fault) }
    }

    // MARK: -

    /// What a client believes is so.
    private func check(_ device: Device) {
        guard let socket = device.socket, let truth = connections[socket.id], truth.isLive(from: executor.now, to: executor.now) else { return }
        for partition in truth.rooms.sorted() where device.rooms[String(partition.split(separator: "#").last ?? "")]?.isJoined != true {
            return fail(.leftIsOut, "\(socket.id) is in \(partition), and has left it or was never let in")
        }
        for (name, view) in device.rooms.sorted(by: { $0.key < $1.key }) where view.isJoined {
            let partition = "ROOM#\(device.tenant)#\(name)"
            guard let room = rooms[partition], let joined = room.members[socket.id] else {
                return fail(.memberMissing, "\(socket.id) joined \(name) and is not in it")
            }
            guard !device.hasMissed else { continue }
            let there = room.users.filter { !$0.value.connections.isEmpty }.keys.sorted()
            let seen = view.presence.filter { $1.isIn && !mayLinger($0, room, joined) }.keys.sorted()
            if seen != there { fail(.viewConverges, "\(socket.id) sees \(seen) in \(name), there are \(there)") }
        }
    }

    /// Of who had left before it came a connection is told by no roster and by no leave: where fan-outs may cross, a join that is told
    /// late may be all that it hears.
    private func mayLinger(_ user: String, _ room: RoomTruth, _ joined: Int) -> Bool {
        guard !isServer, let truth = room.users[user] else { return false }
        return truth.connections.isEmpty && truth.since < joined
    }

    /// What was acknowledged is there once, and what was tried again at most.
    private func check(_ saying: Saying) {
        guard let partition = partition(of: saying) else { return }
        let messages = streams[partition]?.messages ?? []
        let stored = messages.count { $0.body == saying.body }
        for ack in saying.acks where messages.at(ack.seq)?.id != ack.messageID {
            fail(.ackedOnce, "\(saying.body) was acked as \(ack.seq), which is \(messages.at(ack.seq)?.body ?? "not there")")
        }
        let isOneTry = saying.tries.count < 2
        let isSoon = (saying.tries.last ?? 0) - (saying.tries.first ?? 0) < Witness.deduplication - 60_000
        if stored > 1, isOneTry || saying.clientMessageID != nil && isSoon {
            fail(.ackedOnce, "\(saying.body) is stored \(stored) times, tried at \(saying.tries)")
        }
        if Set(saying.acks.map(\.seq)).count > 1, isSoon { fail(.duplicateIsSame, "\(saying.body) was acked as \(saying.acks.map(\.seq))") }
    }
}

/// Accounts for every row of a table at rest: whose it is, and that nothing it needs or promises is missing.
package struct Audit {
    private let items: [Item]
    private let byKey: [Key: Item]
    private let isServer: Bool
    package private(set) var faults: [String] = []

    /// - Parameter isServer: whether the rows are a local server's, which marks no presence to be told.
    package init(_ items: [Item], isServer: Bool = false) {
        self.items = items
        self.isServer = isServer
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
            if Audit.id(item).map({ byKey[Keys.connection($0)] == nil }) != false { fault(item, "of no connection") }
        case ("ROOM", "CONN"): membership(item)
        case ("ROOM", "USER"): presence(item)
        case ("USER", "META"):
            let ids = item.strings("connections")
            if ids.isEmpty, item["refusedUntil"] == nil { fault(item, "a user with no connections") }
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
        guard let id = Audit.id(item), let connection = byKey[Keys.connection(id)] else { return fault(item, "an orphan") }
        let room = item.key.pk.split(separator: "#").last.map(String.init) ?? ""
        if !connection.strings("rooms").contains(room) { fault(item, "its connection does not note it") }
    }

    private mutating func presence(_ item: Item) {
        let members = items.filter {
            $0.key.pk == item.key.pk && $0.key.sk.hasPrefix("CONN#") && $0.string("userId") == item.string("userId")
        }
        if Set(members.compactMap { Audit.id($0)?.text }) != item.strings("connections") {
            fault(item, "counts \(item.strings("connections").sorted())")
        }
        if item["pending"] != nil { fault(item, "\(item.string("pending") ?? "") was not published") }
        if item.strings("connections").isEmpty != (item["expiresAt"] != nil) { fault(item, "expires when it should not, or never") }
    }

    /// Messages may have aged out; those without an end are all there.
    private mutating func head(_ item: Item) {
        let messages = items.filter { $0.key.pk == item.key.pk && $0.key.sk.hasPrefix("MSG#") }
        let seqs = messages.compactMap { $0.number("seq") }
        guard messages.allSatisfy({ $0["expiresAt"] == nil }), !seqs.isEmpty || item.number("seq") == 0 else { return }
        if seqs != Array(1..<(item.number("seq") ?? 0) + 1) { fault(item, "seqs \(seqs), head \(item.number("seq") ?? -1)") }
    }
}
