import AWSPosters
import ChatWire
import Testing

@Suite struct ManagementEndpointTests {
    private func learned(_ domain: String?, _ stage: String?) throws -> String? {
        let endpoint = try ManagementEndpoint()
        var context = GatewayEvent.Context(connectionID: "c=", routeKey: "sendMessage")
        (context.domainName, context.stage) = (domain, stage)
        endpoint.learn(from: context)
        return endpoint.location?.url
    }

    @Test(arguments: [
        ("abc.execute-api.eu-west-1.amazonaws.com", "prod", "https://abc.execute-api.eu-west-1.amazonaws.com/prod"),
        ("abc.execute-api.cn-north-1.amazonaws.com.cn", "a b", "https://abc.execute-api.cn-north-1.amazonaws.com.cn/a%20b"),
        ("ABC.Execute-API.eu-west-1.amazonaws.com", "prod", "https://ABC.Execute-API.eu-west-1.amazonaws.com/prod"),
        ("chat.example.com", "prod", "https://chat.example.com"), ("chat.example.com:8443", nil, "https://chat.example.com:8443"),
        ("abc.execute-api.eu-west-1.amazonaws.com", nil, nil), ("abc.execute-api.eu-west-1.amazonaws.com", "", nil),
        (nil, "prod", nil), ("", "prod", nil), ("evil.example/x?", "prod", nil), ("a@b", "prod", nil),
    ] as [(String?, String?, String?)])
    func `events tell where the API is`(domain: String?, stage: String?, url: String?) throws {
        #expect(try learned(domain, stage) == url)
    }

    @Test func `what is configured goes before what is learned`() throws {
        let endpoint = try ManagementEndpoint("http://127.0.0.1:8081/local//")
        var context = GatewayEvent.Context(connectionID: "c=", routeKey: "sendMessage")
        context.domainName = "chat.example.com"
        endpoint.learn(from: context)
        #expect(endpoint.location?.url == "http://127.0.0.1:8081/local" && endpoint.location?.isLearned == false)
    }

    @Test func `the last event counts`() throws {
        let endpoint = try ManagementEndpoint()
        var context = GatewayEvent.Context(connectionID: "c=", routeKey: "sendMessage")
        for name in ["a.example", "b.example"] {
            context.domainName = name
            endpoint.learn(from: context)
        }
        #expect(endpoint.location?.url == "https://b.example" && endpoint.location?.isLearned == true)
    }

    @Test(arguments: ["", "localhost", "ftp://a/b", "https://", "https:///x", "http://a b", "http://a/?x", "http://a/#x", "http://u:p@a/", "wss://a/b"])
    func `a URL that cannot be one is refused`(url: String) {
        #expect(throws: AWSPostersError.invalidEndpoint) { try ManagementEndpoint(url) }
    }
}
