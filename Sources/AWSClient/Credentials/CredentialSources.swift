/// Where credentials are looked for, in this order: environment, profile, container, instance.
/// Source: https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
struct CredentialSources: Sendable {
    var environment: AWSCredentials?
    var profile: ProfileFiles
    var container: ContainerCredentials?
    /// Nil where it is switched off.
    var instance: InstanceCredentials?

    static let variableNames =
        ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]
        + ProfileFiles.variableNames + ContainerCredentials.variableNames + InstanceCredentials.variableNames

    init(_ read: (String) -> String?) throws(AWSConfigurationError) {
        switch (read("AWS_ACCESS_KEY_ID"), read("AWS_SECRET_ACCESS_KEY")) {
        case (let id?, let secret?):
            guard let credentials = AWSCredentials(checking: id, secret, read("AWS_SESSION_TOKEN")) else {
                throw AWSConfigurationError(
                    "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or AWS_SESSION_TOKEN has blanks or control characters")
            }
            environment = credentials
        case (.some, nil): throw AWSConfigurationError("AWS_SECRET_ACCESS_KEY is missing: give it with AWS_ACCESS_KEY_ID")
        case (nil, .some): throw AWSConfigurationError("AWS_ACCESS_KEY_ID is missing: give it with AWS_SECRET_ACCESS_KEY")
        case (nil, nil): environment = nil
        }
        profile = ProfileFiles(read)
        container = try ContainerCredentials(read)
        instance = try InstanceCredentials(read)
    }

    /// Whether asking again may give other credentials.
    var canRenew: Bool { environment == nil }

    func load(_ transport: some HTTPTransport, _ surroundings: Surroundings) async throws(AWSError) -> AWSCredentials {
        if let environment { return environment }
        if let credentials = try profile.credentials() { return credentials }
        if let container { return try await container.load(transport, surroundings) }
        if let credentials = try await instance?.load(transport) { return credentials }
        let metadata = instance == nil ? "(switched off) in the instance's metadata" : "in the instance's metadata"
        throw .noCredentials("none in AWS_ACCESS_KEY_ID, in profile \(profile.name), at a container's endpoint or \(metadata)")
    }
}

extension AWSCredentials {
    /// Nil for what no header can carry.
    init?(checking accessKeyID: String, _ secretAccessKey: String, _ sessionToken: String?, expiration: Int64? = nil) {
        for part in [accessKeyID, secretAccessKey, sessionToken ?? "-"] {
            guard (1...Self.maxBytes).contains(part.utf8.count), part.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
        }
        self.init(accessKeyID: accessKeyID, secretAccessKey: secretAccessKey, sessionToken: sessionToken, expiration: expiration)
    }

    private static let maxBytes = 16384
}
