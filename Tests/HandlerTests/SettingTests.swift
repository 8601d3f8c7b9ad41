import ChatModel
import Testing

@testable import ChatHandlers

/// The settings of section 2 and 3 as variables give them.
@Suite struct SettingTests {
    private func refusal(_ variables: [String: String]) -> String? {
        do throws(SettingError) {
            _ = try ServiceEnvironment(variables)
            return nil
        } catch {
            return error.description
        }
    }

    @Test(arguments: [
        "https://chat.example", " https://chat.example , https://*.example.com ", "https://chat.example,,null,", "http://localhost:3000",
    ])
    func `origins are read as a list`(list: String) throws {
        let origins = try #require(try ServiceEnvironment(["MUSTER_ALLOWED_ORIGINS": list]).settings.allowedOrigins)
        #expect(origins.description == list.split(separator: ",").map { $0.filter { $0 != " " } }.filter { !$0.isEmpty }.joined(separator: ","))
    }

    @Test(arguments: [
        "*", "https://chat.example/", "https://*", "chat.example", "https://a.example,https://b.example/x", ",", " ", "https://A.example",
        "https://a.example;https://b.example",
    ])
    func `a list with an entry that matches nothing is refused by name`(list: String) throws {
        let text = try #require(refusal(["MUSTER_ALLOWED_ORIGINS": list]))
        #expect(text.hasPrefix("MUSTER_ALLOWED_ORIGINS ") && text.contains("allow all") && !text.contains("\n"))
    }

    @Test func `without a list every origin may come in`() throws {
        for variables in [[:], ["MUSTER_ALLOWED_ORIGINS": ""]] {
            #expect(try ServiceEnvironment(variables).settings.allowedOrigins == nil)
        }
    }

    @Test func `the rate is the contract's, another, or none`() throws {
        #expect(try ServiceEnvironment([:]).rateLimit == RateLimit(perSecond: 20, burst: 40))
        #expect(try ServiceEnvironment(["MUSTER_RATE_LIMIT": "5"]).rateLimit == RateLimit(perSecond: 5, burst: 10))
        #expect(try ServiceEnvironment(["MUSTER_RATE_LIMIT": "0"]).rateLimit == .off)
        for wrong in ["-1", "1.5", "x", "1000001", "+5 "] { #expect(refusal(["MUSTER_RATE_LIMIT": wrong])?.hasPrefix("MUSTER_RATE_LIMIT ") == true) }
    }

    @Test func `two origins in one handshake are none`() async throws {
        let service = try Service()
        let entrance = Entrance(verifier: nil, allowedOrigins: AllowedOrigins([try #require(AllowedOrigins.Pattern("https://a.example"))]))
        var event = service.connectEvent()
        event.headers = [("Origin", "https://a.example")]
        #expect(throws: Never.self) { try entrance.checkOrigin(event) }
        for origins in [["https://evil.example", "https://a.example"], ["https://a.example", "https://evil.example"], []] {
            event.headers = origins.map { ("origin", $0) }
            #expect(throws: Refusal.origin) { try entrance.checkOrigin(event) }
        }
    }
}
