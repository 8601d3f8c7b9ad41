import ChatModel
import Testing

struct IdentifierTests {
    @Test func `ids are told apart by their bytes, not by what they look like`() throws {
        let composed = try #require(UserID("caf\u{E9}"))
        let decomposed = try #require(UserID("cafe\u{301}"))
        #expect(composed.text == decomposed.text)
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
        #expect([composed: 1, decomposed: 2][composed] == 1)
        #expect(composed == UserID("caf\u{E9}"))
    }

    @Test func `ids sort as keys do, by UTF-8 bytes`() {
        let sorted = ["", " ", "Z", "a", "a!", "aa", "z", "\u{E9}", "\u{FF5E}", "\u{1F600}"]
        let users = sorted.dropFirst().compactMap { UserID($0) }
        #expect(users.count == sorted.count - 1)
        #expect(users.reversed().sorted().map(\.text) == users.map(\.text))
        #expect(bytesPrecede("cafe\u{301}", "caf\u{E9}"))
        #expect(!bytesPrecede("caf\u{E9}", "cafe\u{301}"))
        #expect(!bytesPrecede("a", "a"))
    }

    @Test(arguments: [
        "a", "A9", "general", "team-1", "user@example.com", "a.b_c:d@e-f", String(repeating: "x", count: 128),
    ])
    func `a plain name names a tenant and a room`(text: String) {
        #expect(TenantID(text)?.text == text)
        #expect(RoomID(text)?.text == text)
    }

    @Test(arguments: [
        "", String(repeating: "x", count: 129), "a b", "a/b", "a#b", "a%b", "a*", "a+b", "a,b", "a\n", "\0", "caf\u{E9}",
        "\u{FF41}", "a\u{301}", "a\u{200B}", "{", "`", "[", "^", "\u{7F}",
    ])
    func `anything else names neither`(text: String) {
        #expect(TenantID(text) == nil)
        #expect(RoomID(text) == nil)
    }

    @Test func `every ASCII character is judged as the pattern says`() {
        let allowed = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@-")
        for value in UInt8.min...0x7F {
            let character = Character(Unicode.Scalar(value))
            #expect((RoomID(String(character)) != nil) == allowed.contains(character), "U+\(String(value, radix: 16))")
        }
    }

    @Test(arguments: [
        "a", " ", "alice smith", "#%", "~", "\u{A0}", "\u{AD}", "\u{2028}", "\u{FEFF}", "\u{1F468}\u{200D}\u{1F469}",
        "\u{10FFFF}", String(repeating: "x", count: 256), String(repeating: "\u{E9}", count: 128),
        String(repeating: "\u{1F600}", count: 64),
    ])
    func `a user id is up to 256 bytes of text`(text: String) {
        #expect(UserID(text)?.text.utf8.count == text.utf8.count)
    }

    @Test(arguments: [
        "", String(repeating: "x", count: 257), String(repeating: "\u{E9}", count: 128) + "x",
        String(repeating: "\u{1F600}", count: 64) + "x",
    ])
    func `a user id is bounded in bytes, not characters`(text: String) {
        #expect(UserID(text) == nil)
    }

    @Test func `a user id has no character of category Cc, and any other`() {
        for value in UInt32(0)...0x2FF {
            let scalar = Unicode.Scalar(value)!
            let isControl = scalar.properties.generalCategory == .control
            #expect((UserID("a\(scalar)b") == nil) == isControl, "U+\(String(value, radix: 16))")
        }
    }

    @Test(arguments: ["L0SM9cOFvHcCIhw=", "a", "A+/-_=", String(repeating: "c", count: 128)])
    func `a connection id is printable ASCII`(text: String) {
        #expect(ConnectionID(text)?.text == text)
    }

    @Test(arguments: ["", String(repeating: "c", count: 129), "a b", "a#", "%41", "\u{E9}", "a\n", "\u{7F}"])
    func `a connection id cannot end or escape a part of a key`(text: String) {
        #expect(ConnectionID(text) == nil)
    }
}
