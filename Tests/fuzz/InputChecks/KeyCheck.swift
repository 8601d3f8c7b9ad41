import ChatModel
import ChatStore
import ChatWire
import CodecChecks
import JSONCoding

/// What holds for the keys of two sets of ids, whatever they are.
///
/// An input is up to ten fields between bytes of 0xFF, which no UTF-8 has: tenant, user, other user, room and connection,
/// twice; a `clientMessageId` is the other user's text.
public enum KeyCheck {
    public static func run(_ input: [UInt8]) throws(Contradiction) {
        let fields = input.split(separator: 0xFF, maxSplits: 9, omittingEmptySubsequences: false)
            .map { String(validating: $0, as: UTF8.self) ?? "" }
        let one = Names(Array(fields.prefix(5)))
        let two = Names(Array(fields.dropFirst(5)))
        for names in [one, two] {
            for place in names.places { try check(place) }
        }
        try injective(one.places + two.places)
        try order(one, two)
        for field in fields { try cursor(field) }
    }

    /// A key fits the table, and says of itself whose it is.
    private static func check(_ place: Place) throws(Contradiction) {
        try require((try? TableRules.check(place.key)) != nil, "\(place.key) fits no table")
        let parts = place.key.parts
        let read = place.reads.map { index in parts.indices.contains(index) ? parts[index] : nil }
        let wanted: [String?] = place.ids
        let isSame = zip(read, wanted).allSatisfy { ($0 ?? "").utf8.elementsEqual(($1 ?? "").utf8) } && !read.contains(nil)
        try require(isSame, "\(place.key) is read as \(read) instead of \(wanted)")
    }

    /// Two things share a key only if they are one.
    private static func injective(_ places: [Place]) throws(Contradiction) {
        for (index, place) in places.enumerated() {
            for other in places[..<index] where other.key == place.key {
                let isSame = other.kind == place.kind && other.ids.count == place.ids.count
                    && zip(other.ids, place.ids).allSatisfy { bytesEqual($0, $1) }
                try require(isSame, "\(place.key) is \(place.kind) \(place.ids) and \(other.kind) \(other.ids)")
            }
        }
    }

    /// Keys that are listed sort as the ids do.
    private static func order(_ one: Names, _ two: Names) throws(Contradiction) {
        guard let tenant = one.tenant ?? two.tenant, let room = RoomID("r"), let id = ConnectionID("c"),
            let (a, b) = one.user.flatMap({ a in two.user.map { (a, $0) } })
        else { return }
        let presences = (Keys.presence(Room(tenant, room), a).sk, Keys.presence(Room(tenant, room), b).sk)
        try require(bytesPrecede(presences.0, presences.1) == (a < b), "\(presences) for \(a), \(b)")
        let listed = (
            Keys.tenantConnections(User(tenant, a), id).sk, Keys.tenantConnections(User(tenant, b), id).sk
        )
        try require(bytesPrecede(listed.0, listed.1) == (a < b), "\(listed) for \(a), \(b)")
    }

    /// `next` is a user's id in the one form it has, or refused.
    private static func cursor(_ text: String) throws(Contradiction) {
        if let user = try after(text) {
            try require(bytesEqual(OnlineCursor.encode(user), text), "\(text) is \(user), whose cursor is another")
        }
        guard let user = UserID(text) else { return }
        let again = try after(OnlineCursor.encode(user))
        try require(again == user, "\(user) does not come back from its cursor")
    }

    private static func after(_ next: String) throws(Contradiction) -> UserID? {
        do throws(ChatError) {
            return try OnlineRequest(JSONObject([("next", .string(next))])).after
        } catch {
            try require(error.code == .badRequest, "\(error)")
            return nil
        }
    }
}

/// A key, the kind of thing it is of, the ids that make it, and which of its parts say them.
struct Place {
    let kind: String
    let key: Key
    let ids: [String]
    let reads: [Int]
}

/// The ids of an input, as far as they are ids.
struct Names {
    let tenant: TenantID?
    let user: UserID?
    let other: UserID?
    let room: RoomID?
    let connection: ConnectionID?

    init(_ fields: [String]) {
        func field(_ index: Int) -> String { fields.indices.contains(index) ? fields[index] : "" }
        tenant = TenantID(field(0))
        user = UserID(field(1))
        other = UserID(field(2))
        room = RoomID(field(3))
        connection = ConnectionID(field(4))
    }

    /// Whatever has a key of its own, in the table. Index keys are others' and may be shared.
    var places: [Place] {
        var places: [Place] = []
        if let connection {
            places.append(Place(kind: "connection", key: Keys.connection(connection), ids: [connection.text], reads: [1]))
            places.append(Place(kind: "lease", key: Keys.lease(connection, minute: 7), ids: [connection.text], reads: [4]))
        }
        guard let tenant else { return places }
        if let user { places += self.user(user, of: tenant) }
        if let room { places += self.room(Room(tenant, room)) }
        return places
    }

    private func user(_ user: UserID, of tenant: TenantID) -> [Place] {
        var places = [Place(kind: "user", key: Keys.user(User(tenant, user)), ids: [tenant.text, user.text], reads: [1, 2])]
        guard let other else { return places }
        let stream = MessageStream.direct(tenant, between: user, and: other)
        let pair = [user, other].sorted().map(\.text)
        places.append(Place(kind: "conversation", key: stream.head, ids: [tenant.text] + pair, reads: [1, 2, 3]))
        places.append(
            Place(kind: "direct message", key: Keys.message(stream.partition, 42), ids: [tenant.text] + pair, reads: [1, 2, 3]))
        for sender in [user, other] {
            guard let key = sent(stream, sender, other.text) else { continue }
            let side = sender.text.utf8.elementsEqual(pair[0].utf8) ? "0" : "1"
            places.append(
                Place(kind: "sent to a user", key: key, ids: [tenant.text] + pair + [side, other.text], reads: [2, 3, 4, 6, 7]))
        }
        return places
    }

    private func room(_ room: Room) -> [Place] {
        let ids = [room.tenantID.text, room.id.text]
        var places = [
            Place(kind: "room", key: Keys.room(room), ids: ids, reads: [1, 2]),
            Place(kind: "message", key: Keys.message(room.partition, 42), ids: ids, reads: [1, 2]),
        ]
        if let connection {
            places.append(
                Place(kind: "membership", key: Keys.membership(room, connection), ids: ids + [connection.text], reads: [1, 2, 4]))
            places.append(
                Place(
                    kind: "due", key: Keys.due(connection, room.id, minute: 7), ids: [connection.text, room.id.text], reads: [4, 6]))
        }
        guard let user else { return places }
        places.append(Place(kind: "presence", key: Keys.presence(room, user), ids: ids + [user.text], reads: [1, 2, 4]))
        if let other, let key = sent(.room(room), user, other.text) {
            places.append(
                Place(kind: "sent to a room", key: key, ids: ids + [user.text, other.text], reads: [2, 3, 4, 6]))
        }
        return places
    }

    private func sent(_ stream: MessageStream, _ sender: UserID, _ name: String) -> Key? {
        Draft(stream: stream, senderID: sender, body: "b", clientMessageID: name).keys.last
    }
}

extension Key {
    /// What stands between the separators of the partition key and then of the sort key, percent-decoded; nil where that
    /// is no UTF-8. A reader of its own: it shares nothing with who writes keys.
    var parts: [String?] {
        (pk.utf8.split(separator: UInt8(ascii: "#"), omittingEmptySubsequences: false)
            + sk.utf8.split(separator: UInt8(ascii: "#"), omittingEmptySubsequences: false)).map { part in
                var bytes: [UInt8] = []
                var rest = part
                while let byte = rest.popFirst() {
                    guard byte == UInt8(ascii: "%") else {
                        bytes.append(byte)
                        continue
                    }
                    guard let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else { return nil }
                    bytes.append(value)
                    rest = rest.dropFirst(2)
                }
                return String(validating: bytes, as: UTF8.self)
            }
    }
}
