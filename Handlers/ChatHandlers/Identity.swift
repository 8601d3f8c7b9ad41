import ChatModel
import ChatStore
import ChatWire
import Tokens

/// Who a connection belongs to and what they may do, from a verified token or from a Lambda authorizer.
struct Identity: Equatable, Sendable {
    var user: User
    var expiresAt: Timestamp
    /// Seconds since the epoch; nil if the token does not say, which counts as before any removal of the user.
    var issuedAt: Int64?
    var rooms: [String]?
    var roles: [String]

    init(_ claims: Claims) {
        guard let tenant = TenantID(claims.tenant), let id = UserID(claims.subject) else {
            preconditionFailure("the verifier lets only well-formed ids through")
        }
        user = User(tenant, id)
        expiresAt = Timestamp(seconds: claims.expiresAt)
        issuedAt = claims.issuedAt
        rooms = claims.rooms
        roles = claims.roles
    }

    /// What a REQUEST authorizer returned at `$connect`: `userId`, `tenantId`, `exp` and `iat` in epoch seconds, and `rooms` and
    /// `roles` as text separated by spaces. Nil without an authorizer. An `exp` that is no date counts as long over, an `iat`
    /// that is none as absent.
    init?(authorizer: [String: String], _ now: Timestamp) {
        guard let user = User(authorizer: authorizer) else { return nil }
        self.user = user
        expiresAt = authorizer["exp"].map { Timestamp(seconds: Identity.date($0) ?? 0) } ?? now + Limits.garbageAge
        issuedAt = authorizer["iat"].flatMap(Identity.date)
        rooms = authorizer["rooms"].map { SpacedList.read($0).filter(Identity.canMatch) }
        roles = authorizer["roles"].map(SpacedList.read) ?? []
    }

    /// What `init(authorizer:_:)` reads back as this identity, but for what could never count: room patterns that no room id
    /// matches, and roles that are no single word. Written as they are, their words would read as rooms and roles of their own.
    var authorizer: [String: String] {
        var context = ["userId": user.id.text, "tenantId": user.tenantID.text, "exp": String(expiresAt.seconds)]
        if let issuedAt { context["iat"] = String(issuedAt) }
        if let rooms {
            let patterns = rooms.filter(Identity.canMatch)
            // An empty text might be taken for an absent one, which allows every room.
            context["rooms"] = patterns.isEmpty ? Identity.noRoom : SpacedList.write(patterns)
        }
        let words = roles.filter(SpacedList.isWord)
        if !words.isEmpty { context["roles"] = SpacedList.write(words) }
        return context
    }

    /// No room id and no pattern of any.
    private static let noRoom = "!"

    /// Whether there can be a room that the pattern allows: one by this name, or whose name begins so.
    private static func canMatch(_ pattern: String) -> Bool {
        let isPrefix = pattern.utf8.last == UInt8(ascii: "*")
        return RoomID(isPrefix ? String(decoding: pattern.utf8.dropLast(), as: UTF8.self) : pattern) != nil || pattern == "*"
    }

    /// Seconds since the epoch, within the calendar.
    private static func date(_ text: String) -> Int64? {
        Int64(text).flatMap { (0...TokenRules.latestDate).contains($0) ? $0 : nil }
    }
}

/// Words in one text, separated by single spaces. By bytes: a space with a combining mark behind it is a space.
enum SpacedList {
    static func isWord(_ text: String) -> Bool { !text.isEmpty && !text.utf8.contains(UInt8(ascii: " ")) }

    static func write(_ words: [String]) -> String { words.joined(separator: " ") }

    static func read(_ text: String) -> [String] {
        text.utf8.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
    }
}
