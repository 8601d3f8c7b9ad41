import ChatModel
import Testing

struct ConnectionTests {
    private func connection(_ allowed: [String]?) -> Connection {
        Connection(
            id: ConnectionID("c")!, tenantID: TenantID("acme")!, userID: UserID("alice")!,
            connectedAt: Timestamp(seconds: 0), expiresAt: Timestamp(seconds: 600), lastSeen: Timestamp(seconds: 0),
            tokenExpiresAt: Timestamp(seconds: 3600), allowedRooms: allowed)
    }

    @Test(arguments: [
        (nil, "lobby", true), ([], "lobby", false), (["lobby"], "lobby", true), (["lobby"], "lobby2", false),
        (["lobby"], "lobb", false), (["lobby"], "Lobby", false), (["team-*"], "team-1", true), (["team-*"], "team-", true),
        (["team-*"], "team", false), (["team-*"], "xteam-1", false), (["*"], "anything", true), (["a*b"], "ab", false),
        (["*b"], "ab", false), (["**"], "ab", false), ([""], "lobby", false), (["a", "b", "c-*"], "b", true),
        (["a", "b", "c-*"], "c-d", true), (["a", "b", "c-*"], "d", false), (["team.1"], "teamx1", false),
        (["lobby "], "lobby", false), (["\u{212A}"], "K", false), (["\u{212A}*"], "K1", false),
    ] as [([String]?, String, Bool)])
    func `a token allows rooms exactly or by a prefix`(allowed: [String]?, room: String, expected: Bool) throws {
        #expect(connection(allowed).allows(try #require(RoomID(room))) == expected)
    }

    @Test func `a lease ends at its end, and an ended connection is not live`() {
        var open = connection(nil)
        #expect(open.isLive(at: Timestamp(milliseconds: 599_999)))
        #expect(!open.isLive(at: Timestamp(milliseconds: 600_000)))
        for reason in EndReason.allCases {
            open.ended = reason
            #expect(!open.isLive(at: Timestamp(seconds: 0)))
        }
    }
}
