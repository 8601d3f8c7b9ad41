import HTTPCodec

/// What EC2 serves an instance with a role, version 2 of its metadata service.
/// Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
struct InstanceCredentials: Equatable, Sendable {
    private let endpoint: EndpointURL

    static let variableNames = [disabledName, endpointName]
    private static let disabledName = "AWS_EC2_METADATA_DISABLED"
    private static let endpointName = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
    private static let timeout: Duration = .seconds(1)
    private static let roles = "/latest/meta-data/iam/security-credentials/"

    /// Nil where it is switched off.
    init?(_ read: (String) -> String?) throws(AWSConfigurationError) {
        if let text = read(Self.disabledName) {
            switch text.lowercased() {
            case "true": return nil
            case "false": break
            default: throw AWSConfigurationError("\(Self.disabledName) is '\(text.prefix(64))': give true or false")
            }
        }
        guard let endpoint = EndpointURL(read(Self.endpointName) ?? "http://169.254.169.254") else {
            throw AWSConfigurationError("\(Self.endpointName) is no URL: give one such as http://169.254.169.254")
        }
        self.endpoint = endpoint
    }

    /// Nil where nobody answers, as on a machine that is no instance, or where the instance has no role.
    func load(_ transport: some HTTPTransport) async throws(AWSError) -> AWSCredentials? {
        guard
            let token = await answer(
                transport, "PUT", "/latest/api/token", ["X-aws-ec2-metadata-token-ttl-seconds": "21600"]),
            Self.isText(token), !token.isEmpty
        else { return nil }
        let fields: HTTPFields = ["X-aws-ec2-metadata-token": String(decoding: token, as: UTF8.self)]
        guard let names = await answer(transport, "GET", Self.roles, fields) else { return nil }
        let role = names.prefix { $0 != 0x0A && $0 != 0x0D }
        guard !role.isEmpty, role.count <= 256, Self.isText(role), !role.contains(UInt8(ascii: "/")) else { return nil }
        guard let body = await answer(transport, "GET", Self.roles + String(decoding: role, as: UTF8.self), fields) else { return nil }
        guard let credentials = AWSCredentials(served: body) else {
            throw .noCredentials("the instance's metadata has a role and no credentials of it")
        }
        return credentials
    }

    private func answer(
        _ transport: some HTTPTransport, _ method: String, _ path: String, _ fields: HTTPFields
    ) async -> [UInt8]? {
        let request = OutgoingRequest(method: method, url: endpoint.origin + endpoint.path + path, fields: fields)
        guard let answer = try? await transport.send(request, timeout: Self.timeout), answer.status == 200 else { return nil }
        return answer.body
    }

    private static func isText(_ bytes: some Collection<UInt8>) -> Bool {
        bytes.count <= 4096 && bytes.allSatisfy { (0x21...0x7E).contains($0) }
    }
}
