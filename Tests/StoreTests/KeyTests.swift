import ChatModel
import Testing

@testable import ChatStore

/// The key grammar: contract section 6.
@Suite struct KeyTests {
    /// Ids made to be taken for one another once they stand between separators.
    static let users: [UserID] = [
        "a", "b", "a b", "a!", "a#b", "a#", "#a", "#", "##", "a%b", "a%23b", "%23", "%", "%25", "a%20b", "a$", "a$b", "a&b", "a'b",
        "META", "CONN#", "USER#a", "a#CONN#c", "é", "e\u{301}", "Å", "\u{212B}", "K", "\u{212A}", "😀", "a/b", "a\"b", "\u{FFFD}",
        "a\u{A0}", "a ", " a", " ", "aa", "A", "ａ", "0", "00", "10", "2",
    ].compactMap { UserID($0) }
    static let tenants = ["t", "T", "t.t", "t:t", "1"].compactMap { TenantID($0) }
    static let rooms = ["r", "R", "META", "r.r", "ROOMS", "CONN", "1", "0"].compactMap { RoomID($0) }
    static let connections = ["c", "c=", "META", "C", "A+/_-="].compactMap { ConnectionID($0) }

    @Test func `no two things share a key`() {
        var owners: [Key: String] = [:]
        func claim(_ key: Key, _ owner: String) {
            // A String dictionary would take é for e + U+0301, so owners are compared as bytes.
            if let other = owners[key], !bytesEqual(other, owner) { Issue.record("\(key) is of \(other) and of \(owner)") }
            owners[key] = owner
        }
        for id in Self.connections {
            claim(Keys.connection(id), "connection \(id)")
            for minute in [0, 1, 10] as [Int64] { claim(Keys.lease(id, minute: minute), "lease \(id) \(minute)") }
        }
        for tenant in Self.tenants {
            for user in Self.users { claim(Keys.user(User(tenant, user)), "user \(tenant) \(user)") }
            for room in Self.rooms {
                let room = Room(tenant, room)
                claim(Keys.room(room), "room \(tenant) \(room.id)")
                claim(Keys.message(Keys.roomPartition(room), 1), "message \(tenant) \(room.id) 1")
                claim(Keys.message(Keys.roomPartition(room), 10), "message \(tenant) \(room.id) 10")
                for id in Self.connections { claim(Keys.membership(room, id), "membership \(tenant) \(room.id) \(id)") }
                for user in Self.users {
                    claim(Keys.presence(room, user), "presence \(tenant) \(room.id) \(user)")
                    for name in ["1", "#", "%23"] {
                        claim(Keys.deduplication(.room(room), sender: user, name), "sent \(tenant) \(room.id) \(user) \(name)")
                    }
                }
            }
            for (index, low) in Self.users.enumerated() {
                for high in Self.users[index...] {
                    let stream = MessageStream.direct(tenant, between: low, and: high)
                    #expect(stream == .direct(tenant, between: high, and: low))
                    claim(stream.head, "conversation \(tenant) \(low) \(high)")
                    for sender in Set([low, high]) {
                        claim(Keys.deduplication(stream, sender: sender, "0"), "sent \(tenant) \(low) \(high) \(sender)")
                    }
                }
            }
        }
        #expect(owners.count > 5000)
        #expect(Set(Self.tenants.flatMap { tenant in Self.rooms.map { Keys.tenantRooms(Room(tenant, $0)) } }).count == 40)
        let indexed = Self.tenants.flatMap { tenant in
            Self.users.flatMap { user in Self.connections.map { Keys.tenantConnections(User(tenant, user), $0) } }
        }
        #expect(Set(indexed).count == indexed.count)
    }

    @Test func `every key fits the table with the longest of ids`() throws {
        let tenant = try #require(TenantID(String(repeating: "t", count: Limits.plainNameBytes)))
        let room = Room(tenant, try #require(RoomID(String(repeating: "r", count: Limits.plainNameBytes))))
        let connection = try #require(ConnectionID(String(repeating: "c", count: Limits.connectionIDBytes)))
        for letter in ["#", "%", " ", "!", "u"] {
            let user = try #require(UserID(String(repeating: letter, count: Limits.userIDBytes)))
            let other = try #require(UserID(String(repeating: letter, count: Limits.userIDBytes - 1)))
            let name = String(repeating: letter, count: Limits.clientMessageIDBytes)
            let direct = MessageStream.direct(tenant, between: user, and: other)
            for key in [
                Keys.connection(connection), Keys.userConnections(User(tenant, user), connection),
                Keys.tenantConnections(User(tenant, user), connection), Keys.user(User(tenant, user)), Keys.room(room),
                Keys.tenantRooms(room), Keys.membership(room, connection), Keys.connectionRooms(connection, room),
                Keys.presence(room, user), Keys.message(direct.partition, Keys.highestSeq),
                Keys.deduplication(direct, sender: user, name), Keys.deduplication(.room(room), sender: user, name),
                Keys.lease(connection, minute: .max), Keys.due(connection, room.id, minute: .max),
            ] {
                #expect(throws: Never.self) { try TableRules.check(key) }
            }
        }
    }

    @Test func `text in keys comes back`() {
        for user in Self.users {
            #expect(KeyText.decode(KeyText.encode(user.text)).map { bytesEqual($0, user.text) } == true)
            #expect(KeyText.decode(KeyText.ordered(user.text)).map { bytesEqual($0, user.text) } == true)
        }
        for broken in ["%", "%2", "%zz", "%FF"] { #expect(KeyText.decode(broken) == nil) }
    }

    @Test func `ordered text keeps the order of bytes, also before a separator`() {
        for a in Self.users {
            for b in Self.users where a != b {
                let (first, second) = (KeyText.ordered(a.text), KeyText.ordered(b.text))
                #expect(bytesPrecede(first, second) == (a < b), "\(a) \(b)")
                #expect(bytesPrecede(first + "#", second + "#") == (a < b), "\(a) \(b)")
                // What `online` continues after: past every connection of a, before any of the next user.
                #expect(bytesPrecede(first + "$", second + "#") == (a < b), "\(a) \(b)")
            }
        }
    }

    @Test func `seqs sort as numbers`() {
        let seqs: [Int64] = [0, 1, 9, 10, 99, 100, 1 << 40, Keys.highestSeq]
        let keys = seqs.map(Keys.messageSort)
        #expect(keys == keys.sorted { bytesPrecede($0, $1) } && Set(keys.map(\.utf8.count)) == [20])
    }

    @Test func `shards are used alike, also by ids that differ only at the end`() {
        for pattern in ["user-%", "%", "%@example.com", "c%=", "aaaaaaaaaaaaaaa%="] {
            let shards = (0..<1000).map { Keys.shard(of: pattern.replacing("%", with: "\($0)")) }
            let counts = (0..<Limits.indexShards).map { shard in shards.count { $0 == shard } }
            // 62 and a half each, give or take four standard deviations.
            #expect(counts.allSatisfy { (32...93).contains($0) }, "\(pattern): \(counts)")
        }
    }
}
