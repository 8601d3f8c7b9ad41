/// Why the environment is no configuration. Says which variable, and what to give; never a secret's value.
public struct AWSConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}

/// What a client needs to know, as AWS's own variables give it.
/// Source: https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
public struct AWSConfiguration: Sendable {
    public var region: String
    /// Attempts of a request and the pauses between them.
    public var retries = RetryPolicy()
    /// For one attempt, from its first byte to the last of its answer.
    public var attemptTimeout: Duration = .seconds(5)
    /// For TCP and TLS, within the attempt's time.
    public var connectTimeout: Duration = .seconds(2)
    /// To one host; requests beyond wait in line.
    public var maxConnections = 64
    var endpoints: Endpoints
    var credentials: CredentialSources
    /// A PEM file with the authorities that are trusted; nil for libcurl's own.
    var authorities: String?

    /// Every variable that ``init(_:)`` reads.
    public static let variableNames =
        regionNames + serviceEndpointNames.map(\.name) + [genericEndpointName, "AWS_CA_BUNDLE", "AWS_MAX_ATTEMPTS"]
        + CredentialSources.variableNames

    private static let regionNames = ["AWS_REGION", "AWS_DEFAULT_REGION"]
    private static let genericEndpointName = "AWS_ENDPOINT_URL"
    private static let serviceEndpointNames: [(name: String, service: AWSService)] = [
        ("AWS_ENDPOINT_URL_DYNAMODB", .dynamoDB), ("AWS_ENDPOINT_URL_SQS", .sqs),
        ("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI", .management),
    ]

    /// - Parameter variable: the value of an environment variable; an empty one is as if unset.
    ///
    /// The profile's file is read when no variable names the region.
    public init(_ variable: (String) -> String?) throws(AWSConfigurationError) {
        func read(_ name: String) -> String? { variable(name).flatMap { $0.isEmpty ? nil : $0 } }
        credentials = try CredentialSources(read)
        guard let region = Self.regionNames.compactMap(read).first ?? credentials.profile.region() else {
            throw AWSConfigurationError("AWS_REGION is missing: give the region, such as eu-west-1, or one in the profile")
        }
        guard Self.isRegion(region) else {
            throw AWSConfigurationError("AWS_REGION is '\(region.prefix(64))': give a region such as eu-west-1")
        }
        self.region = region
        endpoints = Endpoints(region: region)
        for (name, service) in Self.serviceEndpointNames { endpoints.own[service] = try Self.url(name, read) }
        endpoints.generic = try Self.url(Self.genericEndpointName, read)
        authorities = read("AWS_CA_BUNDLE")
        if let text = read("AWS_MAX_ATTEMPTS") {
            guard let attempts = Int(text), (1...10).contains(attempts) else {
                throw AWSConfigurationError("AWS_MAX_ATTEMPTS is '\(text.prefix(64))': give a whole number from 1 to 10")
            }
            retries.attempts = attempts
        }
    }

    private static func url(_ name: String, _ read: (String) -> String?) throws(AWSConfigurationError) -> EndpointURL? {
        guard let text = read(name) else { return nil }
        guard let url = EndpointURL(text) else {
            throw AWSConfigurationError("\(name) is no URL: give one such as http://127.0.0.1:4566")
        }
        return url
    }

    private static func isRegion(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
                default: false
                }
            }
    }
}
