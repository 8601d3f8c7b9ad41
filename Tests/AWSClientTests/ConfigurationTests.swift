import Testing
import TestSupport

@testable import AWSClient

@Suite struct ConfigurationTests {
    static func error(_ changes: [String: String]) -> String? {
        let variables = keys.merging(changes) { $1 }
        do {
            _ = try AWSConfiguration { variables[$0] }
            return nil
        } catch {
            return error.description
        }
    }

    @Test(arguments: [
        (["AWS_REGION": ""], "AWS_REGION is missing: give the region, such as eu-west-1, or one in the profile"),
        (["AWS_REGION": "eu west"], "AWS_REGION is 'eu west': give a region such as eu-west-1"),
        (["AWS_ENDPOINT_URL": "localhost:4566"], "AWS_ENDPOINT_URL is no URL: give one such as http://127.0.0.1:4566"),
        (["AWS_ENDPOINT_URL_SQS": "http://u:p@h/"], "AWS_ENDPOINT_URL_SQS is no URL: give one such as http://127.0.0.1:4566"),
        (["AWS_MAX_ATTEMPTS": "0"], "AWS_MAX_ATTEMPTS is '0': give a whole number from 1 to 10"),
        (["AWS_SECRET_ACCESS_KEY": ""], "AWS_SECRET_ACCESS_KEY is missing: give it with AWS_ACCESS_KEY_ID"),
        (["AWS_ACCESS_KEY_ID": ""], "AWS_ACCESS_KEY_ID is missing: give it with AWS_SECRET_ACCESS_KEY"),
        (
            ["AWS_SECRET_ACCESS_KEY": "s\r\nHost: x"],
            "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or AWS_SESSION_TOKEN has blanks or control characters"
        ),
        (["AWS_EC2_METADATA_DISABLED": "yes"], "AWS_EC2_METADATA_DISABLED is 'yes': give true or false"),
        (
            ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://example.com/x"],
            "AWS_CONTAINER_CREDENTIALS_FULL_URI is http:// to another machine: give https://, or an address of this one"
        ),
        (["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "x"], "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is no path: give one that begins with a slash"),
    ])
    func `a wrong value is named`(_ changes: [String: String], _ error: String) {
        #expect(Self.error(changes) == error)
    }

    @Test(arguments: [
        "http://127.0.0.1:9/x", "http://127.1.2.3/", "http://localhost/c", "http://[::1]:80/c", "http://169.254.170.2/v2",
        "http://169.254.170.23/v1/credentials", "http://[fd00:ec2::23]/v1/credentials", "https://example.com/c",
    ])
    func `a container's endpoint is near or private`(_ url: String) {
        #expect(Self.error(["AWS_CONTAINER_CREDENTIALS_FULL_URI": url]) == nil)
    }

    @Test(arguments: ["http://127.0.0.1.example.com/", "http://169.254.170.3/", "http://10.0.0.1/", "http://127.0.0.1@evil/", "http://127.0.0.256/"])
    func `no token goes to another machine in the clear`(_ url: String) {
        #expect(Self.error(["AWS_CONTAINER_CREDENTIALS_FULL_URI": url]) != nil)
    }

    @Test func `every variable that is read is in the list`() throws {
        let names = Set(AWSConfiguration.variableNames)
        #expect(names.count == AWSConfiguration.variableNames.count)
        var read: Set<String> = []
        _ = try? AWSConfiguration { name in
            read.insert(name)
            return name == "AWS_CONTAINER_CREDENTIALS_FULL_URI" ? "http://127.0.0.1/c" : keys[name]
        }
        #expect(read == names)
    }

    @Test func `the profile has the region that no variable has`() throws {
        let folder = try TemporaryFolder()
        try folder.write(Array("[default]\nregion = eu-north-1\n[profile work]\nregion=cn-north-1 # far\n".utf8), to: "config")
        let variables = ["AWS_CONFIG_FILE": folder.file("config")]
        #expect(try AWSConfiguration { variables[$0] }.region == "eu-north-1")
        #expect(try AWSConfiguration { $0 == "AWS_PROFILE" ? "work" : variables[$0] }.region == "cn-north-1")
        #expect(try AWSConfiguration { $0 == "AWS_DEFAULT_REGION" ? "us-west-2" : variables[$0] }.region == "us-west-2")
    }
}

@Suite struct EndpointTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var variables: [String: String] = [:]
        var request = AWSRequest(.dynamoDB)
        let url: String
        let host: String
        var testDescription: String { url }
    }

    static let generic = ["AWS_ENDPOINT_URL": "http://127.0.0.1:4566"]
    static let post = AWSRequest(
        .management, endpoint: "https://abc.execute-api.eu-west-1.amazonaws.com/dev", path: "/@connections/x%3D")

    static func derived(_ endpoint: String) -> AWSRequest {
        AWSRequest(.management, endpoint: endpoint, isDerived: true, path: "/@connections/x%3D")
    }

    @Test(arguments: [
        Case(url: "https://dynamodb.us-east-1.amazonaws.com/", host: "dynamodb.us-east-1.amazonaws.com"),
        Case(variables: ["AWS_REGION": "cn-north-1"], request: AWSRequest(.sqs), url: "https://sqs.cn-north-1.amazonaws.com.cn/", host: "sqs.cn-north-1.amazonaws.com.cn"),
        Case(variables: generic, url: "http://127.0.0.1:4566/", host: "127.0.0.1:4566"),
        Case(variables: generic.merging(["AWS_ENDPOINT_URL_DYNAMODB": "http://[::1]:8000/base/"]) { $1 }, url: "http://[::1]:8000/base/", host: "[::1]:8000"),
        Case(variables: ["AWS_ENDPOINT_URL": "https://aws.example:443"], url: "https://aws.example:443/", host: "aws.example"),
        Case(request: post, url: "https://abc.execute-api.eu-west-1.amazonaws.com/dev/@connections/x%3D", host: "abc.execute-api.eu-west-1.amazonaws.com"),
        Case(variables: generic, request: post, url: "http://127.0.0.1:4566/dev/@connections/x%3D", host: "abc.execute-api.eu-west-1.amazonaws.com"),
        Case(variables: generic, request: derived("https://abc.execute-api.localhost:4566/dev"), url: "http://127.0.0.1:4566/dev/@connections/x%3D", host: "abc.execute-api.localhost"),
        Case(variables: generic, request: AWSRequest(.management, endpoint: "http://abc.execute-api.localhost:9/dev"), url: "http://abc.execute-api.localhost:9/dev/", host: "abc.execute-api.localhost:9"),
        Case(variables: generic, request: derived("https://chat.example.com/dev"), url: "https://chat.example.com/dev/@connections/x%3D", host: "chat.example.com"),
        Case(request: derived("https://abc.execute-api.localhost/dev"), url: "https://abc.execute-api.localhost/dev/@connections/x%3D", host: "abc.execute-api.localhost"),
    ])
    func `where a request goes`(_ example: Case) throws {
        let variables = keys.merging(example.variables) { $1 }
        let destination = try AWSConfiguration { variables[$0] }.endpoints.destination(of: example.request)
        #expect(destination?.url == example.url)
        #expect(destination?.host == example.host)
    }

    @Test(arguments: ["", "ftp://x", "http://", "http://a b", "http://x:0", "http://x:65536", "http://x:y", "http://[::1", "http://[]", "http://x/?q", "http://[::1]x"])
    func `no URL`(_ text: String) {
        #expect(EndpointURL(text) == nil)
    }

    @Test func `the host that is signed is the one that is sent`() async throws {
        let transport = ScriptedTransport([success])
        let client = try makeClient(keys.merging(Self.generic) { $1 }, transport)
        _ = try await client.send(Self.post)
        let sent = try #require(transport.sent.first).request
        #expect(sent.fields.all("Host") == ["abc.execute-api.eu-west-1.amazonaws.com"])
        #expect(sent.url == "http://127.0.0.1:4566/dev/@connections/x%3D")
    }
}
