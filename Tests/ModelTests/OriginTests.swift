import ChatModel
import Testing

struct OriginTests {
    private static let entries = [
        "https://chat.example.com", "https://*.example.com", "http://localhost:3000", "http://*.dev.local:8080", "http://[::1]:9000",
        "https://10.0.0.1", "capacitor://localhost",
    ]

    private func origins(_ entries: [String]) throws -> AllowedOrigins {
        AllowedOrigins(try entries.map { try #require(AllowedOrigins.Pattern($0), "\($0) is an origin") })
    }

    @Test(arguments: [
        "https://chat.example.com", "https://a.example.com", "https://a.b.example.com", "https://xn--bcher-kva.example.com",
        "https://a_b.example.com", "https://1.example.com", "http://localhost:3000", "http://x.dev.local:8080",
        "http://[::1]:9000", "https://10.0.0.1", "capacitor://localhost",
    ])
    func `what is listed may come in`(origin: String) throws {
        #expect(try origins(Self.entries).allows(origin))
    }

    @Test(arguments: [
        "https://example.com", "https://evil-example.com", "https://evilexample.com", "https://a.example.com.evil.org",
        "https://a.example.com:8443", "https://a.example.com:443", "http://a.example.com", "https://.example.com",
        "https://a..example.com", "https://x@a.example.com", "https://x:y@a.example.com", "https://evil.org/.example.com",
        "https://evil.org?.example.com", "https://evil.org#.example.com", "https://evil.org\\.example.com", "https://a.example.com/",
        "https://a.example.com.", "https://A.example.com", "https://a.EXAMPLE.com", "HTTPS://a.example.com", "https://é.example.com",
        "https://a%2e.example.com", "https://*.example.com", "https://a.example.co", "https://a.example.comm", " https://a.example.com",
        "https://a.example.com ", "https://a.example.com, https://chat.example.com", "https://a.example.com\u{301}", "https:// .example.com",
        "https://a\0.example.com", "https://a\n.example.com", "wss://a.example.com", "https:a.example.com", "a.example.com", "",
        "null", "*", "http://localhost", "http://localhost:30000", "http://localhost:3000.evil.org", "http://dev.local:8080",
        "http://x.dev.local", "http://x.dev.local:80801", "http://[::1]", "http://[::2]:9000", "https://10.0.0.10", "https://110.0.0.1",
    ])
    func `what is not, stays outside`(origin: String) throws {
        #expect(try !origins(Self.entries).allows(origin))
    }

    @Test func `pages without an origin may come in only where that is listed`() throws {
        #expect(try origins(["null"]).allows("null"))
        #expect(try !origins(["null"]).allows("https://null"))
        #expect(try !origins(["https://null"]).allows("null"))
        #expect(!AllowedOrigins([]).allows(""))
    }

    @Test(arguments: [
        "", "*", "https://*", "https://*.", "https://*.*.example.com", "https://a.*.example.com", "https://*example.com", "https://example.*",
        "*.example.com", "*://example.com", "https://*.example.com/", "https://example.com/", "https://example.com/chat", "https://example.com?x",
        "https://example.com#x", "https://u@example.com", "example.com", "//example.com", "://example.com", "https:example.com",
        "https:/example.com", "https://", "https://.example.com", "https://example..com", "https://example.com.", "https://Example.com",
        "HTTPS://example.com", "https://exämple.com", "https://example.com:443", "http://example.com:80", "https://example.com:",
        "https://example.com:0", "https://example.com:0443", "https://example.com:65536", "https://example.com:x", "https://example.com:+1",
        "https://*.10.0.0.1", "https://*.[::1]", "https://[::1", "https://::1", "https://[]", "https://[::G]", "Null", "NULL", "1https://a",
        "https://a b", "https://a\u{301}.example.com", "https://example.com,https://b.example",
    ])
    func `an entry that no browser's origin matches is none`(entry: String) {
        #expect(AllowedOrigins.Pattern(entry) == nil)
    }

    @Test func `the list is written as it was read`() throws {
        #expect(try origins(Self.entries).description == Self.entries.joined(separator: ","))
        for entry in Self.entries { #expect(AllowedOrigins.Pattern(entry)?.description == entry) }
    }

    @Test func `another scheme's own port is a port like any`() throws {
        #expect(try origins(["http://a.example:443"]).allows("http://a.example:443"))
        #expect(try !origins(["http://a.example:443"]).allows("https://a.example"))
    }
}
