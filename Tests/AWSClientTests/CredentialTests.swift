import HTTPCodec
import Synchronization
import Testing
import TestSupport

@testable import AWSClient

@Suite(.timeLimit(.minutes(1))) struct CredentialTests {
    static let container = [
        "AWS_REGION": "us-east-1", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "pod token", "HOME": "/nowhere",
    ]

    static func served(_ id: String, until expiration: String = "2015-08-30T13:36:00Z") -> HTTPResponse {
        HTTPResponse(
            status: 200,
            body: Array(#"{"AccessKeyId":"\#(id)","SecretAccessKey":"s","Token":"t","Expiration":"\#(expiration)"}"#.utf8))
    }

    static func isService(_ request: OutgoingRequest) -> Bool { request.url.contains("amazonaws.com") }

    /// The ids that calls of services were signed with.
    static func ids(_ transport: ScriptedTransport) -> [String] {
        transport.sent.map(\.request).filter(isService).compactMap { request in
            request.fields.first("Authorization").map { String($0.drop { $0 != "=" }.dropFirst().prefix { $0 != "/" }) }
        }
    }

    static func asked(_ transport: ScriptedTransport) -> [OutgoingRequest] { transport.sent.map(\.request).filter { !isService($0) } }

    @Test func `the environment comes first`() async throws {
        let transport = ScriptedTransport([success])
        let variables = Self.container.merging(keys) { $1 }.merging(["AWS_SESSION_TOKEN": "session"]) { $1 }
        _ = try await makeClient(variables, transport).send(anyCall)
        #expect(Self.ids(transport) == ["AKIDEXAMPLE"])
        #expect(Self.asked(transport).isEmpty)
        #expect(transport.sent[0].request.fields.first("X-Amz-Security-Token") == "session")
    }

    @Test func `a profile comes before a container`() async throws {
        let folder = try TemporaryFolder()
        let file = """
            # comment
            [default]
            aws_access_key_id = DEFAULT
            aws_secret_access_key = one

            [ work ]
            aws_access_key_id=WORK ; mine
            aws_secret_access_key = two#2
            s3 =
              aws_access_key_id = NESTED
            """
        try folder.write(Array(file.utf8), to: "credentials")
        var variables = Self.container
        variables["AWS_SHARED_CREDENTIALS_FILE"] = folder.file("credentials")
        let transport = ScriptedTransport([success])
        _ = try await makeClient(variables, transport).send(anyCall)
        variables["AWS_PROFILE"] = "work"
        _ = try await makeClient(variables, transport).send(anyCall)
        #expect(Self.ids(transport) == ["DEFAULT", "WORK"])
        let work = try AWSConfiguration { variables[$0] }.credentials.profile.credentials()
        #expect(work?.secretAccessKey == "two#2")
        variables["AWS_PROFILE"] = "home"
        let client = try makeClient(variables, transport)
        #expect(
            await failure { () async throws(AWSError) in try await client.send(anyCall) }
                == .noCredentials("profile home has no aws_access_key_id with an aws_secret_access_key"))
    }

    @Test func `the config file has keys too`() async throws {
        let folder = try TemporaryFolder()
        try folder.write(Array("[profile work]\r\naws_access_key_id=A\r\naws_secret_access_key=B\r\nregion=eu-west-3\r\n".utf8), to: "config")
        let variables = ["AWS_CONFIG_FILE": folder.file("config"), "AWS_PROFILE": "work"]
        let transport = ScriptedTransport([success])
        _ = try await makeClient(variables, transport).send(anyCall)
        #expect(Self.ids(transport) == ["A"])
        #expect(transport.sent[0].request.url == "https://dynamodb.eu-west-3.amazonaws.com/")
    }

    @Test func `a container's are asked for with its token, once for all who wait`() async throws {
        let transport = ScriptedTransport { request, _ in
            if Self.isService(request) { return try success.get() }
            await Task.yield()
            return Self.served("FIRST")
        }
        let client = try makeClient(Self.container, transport)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 { group.addTask { _ = try await client.send(anyCall) } }
            try await group.waitForAll()
        }
        #expect(Self.ids(transport) == [String](repeating: "FIRST", count: 50))
        let asked = Self.asked(transport)
        #expect(asked.count == 1)
        #expect(asked[0].url == "http://169.254.170.23/v1/credentials")
        #expect(asked[0].fields.first("Authorization") == "pod token")
    }

    @Test func `a container's token may be in a file that changes`() async throws {
        let folder = try TemporaryFolder()
        try folder.write(Array("from file\n".utf8), to: "token")
        var variables = Self.container
        variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = folder.file("token")
        let transport = ScriptedTransport { request, _ in Self.isService(request) ? try success.get() : Self.served("X") }
        _ = try await makeClient(variables, transport).send(anyCall)
        #expect(Self.asked(transport)[0].fields.first("Authorization") == "from file")
    }

    @Test func `they are asked for again five minutes before they end`() async throws {
        let time = ManualTime()
        let transport = ScriptedTransport { request, index in
            Self.isService(request) ? try success.get() : index == 0 ? Self.served("FIRST") : Self.served("SECOND", until: "2015-08-30T20:00:00Z")
        }
        let client = try makeClient(Self.container, transport, time)
        _ = try await client.send(anyCall)
        time.pass(.seconds(3600 - 301))
        _ = try await client.send(anyCall)
        time.pass(.seconds(1))
        _ = try await client.send(anyCall)
        #expect(Self.ids(transport) == ["FIRST", "FIRST", "SECOND"])
    }

    @Test func `while they still hold, a source that fails is no failure`() async throws {
        let time = ManualTime()
        let transport = ScriptedTransport { request, index in
            if Self.isService(request) { return try success.get() }
            if index == 0 { return Self.served("FIRST") }
            throw TransportFailure.timedOut
        }
        let client = try makeClient(Self.container, transport, time)
        _ = try await client.send(anyCall)
        time.pass(.seconds(3600 - 200))
        _ = try await client.send(anyCall)
        let asked = Self.asked(transport).count
        _ = try await client.send(anyCall)
        #expect(Self.asked(transport).count == asked)
        #expect(Self.ids(transport) == ["FIRST", "FIRST", "FIRST"])
        time.pass(.seconds(200))
        let error = await failure { () async throws(AWSError) in try await client.send(anyCall) }
        #expect(error == .noCredentials("the container's endpoint: timedOut"))
    }

    @Test(arguments: ["ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException"])
    func `refused credentials are replaced once`(_ code: String) async throws {
        let served = Atomic(0)
        let transport = ScriptedTransport { request, _ in
            if !Self.isService(request) { return Self.served("KEY\(served.wrappingAdd(1, ordering: .relaxed).newValue)") }
            return try refusal(code, status: 403).get()
        }
        let client = try makeClient(Self.container, transport)
        #expect(await failure { () async throws(AWSError) in try await client.send(anyCall) } != nil)
        #expect(Self.ids(transport) == ["KEY1", "KEY2"])
    }

    @Test func `the environment's cannot be replaced`() async throws {
        let transport = ScriptedTransport([refusal("ExpiredTokenException")])
        let client = try makeClient(keys, transport)
        #expect(await failure { () async throws(AWSError) in try await client.send(anyCall) } != nil)
        #expect(transport.sent.count == 1)
    }

    @Test func `an instance's are asked for with a session`() async throws {
        let transport = ScriptedTransport { request, _ in
            if Self.isService(request) { return try success.get() }
            switch request.url {
            case "http://169.254.169.254/latest/api/token":
                #expect(request.method == "PUT")
                #expect(request.fields.first("X-aws-ec2-metadata-token-ttl-seconds") == "21600")
                return HTTPResponse(status: 200, body: Array("SESSION".utf8))
            case "http://169.254.169.254/latest/meta-data/iam/security-credentials/":
                #expect(request.fields.first("X-aws-ec2-metadata-token") == "SESSION")
                return HTTPResponse(status: 200, body: Array("role\n".utf8))
            case "http://169.254.169.254/latest/meta-data/iam/security-credentials/role": return Self.served("INSTANCE")
            default: return HTTPResponse(status: 404)
            }
        }
        _ = try await makeClient(["AWS_REGION": "us-east-1"], transport).send(anyCall)
        #expect(Self.ids(transport) == ["INSTANCE"])
        #expect(transport.sent[0].timeout == .seconds(1))
    }

    @Test func `with none anywhere it is said where they were looked for`() async throws {
        let transport = ScriptedTransport([.failure(.timedOut)])
        let client = try makeClient(["AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"], transport)
        #expect(
            await failure { () async throws(AWSError) in try await client.send(anyCall) }
                == .noCredentials("none in AWS_ACCESS_KEY_ID, in profile default, at a container's endpoint or (switched off) in the instance's metadata"))
        #expect(transport.sent.isEmpty)
    }

    @Test(arguments: [
        "", "{}", #"{"AccessKeyId":"A"}"#, #"{"AccessKeyId":"A","SecretAccessKey":"B\n"}"#,
        #"{"AccessKeyId":"A","SecretAccessKey":"B","Expiration":"tomorrow"}"#,
    ])
    func `an answer that is no credentials`(_ body: String) {
        #expect(AWSCredentials(served: Array(body.utf8)) == nil)
    }

    @Test func `a secret is in no description`() {
        let credentials = AWSCredentials(accessKeyID: "ID", secretAccessKey: "SECRET", sessionToken: "TOKEN")
        for text in ["\(credentials)", String(reflecting: credentials), String(describing: [credentials])] {
            #expect(!text.contains("SECRET") && !text.contains("TOKEN"))
        }
        var dumped = ""
        dump(credentials, to: &dumped)
        #expect(!dumped.contains("SECRET") && !dumped.contains("TOKEN"))
    }
}
