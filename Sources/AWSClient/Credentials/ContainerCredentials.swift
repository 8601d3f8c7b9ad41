import HTTPCodec

/// What ECS, EKS Pod Identity and Greengrass serve.
/// Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
struct ContainerCredentials: Equatable, Sendable {
    let url: String
    private let token: String?
    /// Counts before `token`, and is read each time: its contents rotate.
    private let tokenFile: String?

    static let variableNames = [
        fullName, relativeName, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    ]
    private static let fullName = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
    private static let relativeName = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
    private static let attempts = 3
    private static let timeout: Duration = .seconds(2)
    private static let maxTokenBytes = 16384

    /// Nil when neither address is given.
    init?(_ read: (String) -> String?) throws(AWSConfigurationError) {
        if let path = read(Self.relativeName) {
            guard path.hasPrefix("/"), EndpointURL("http://169.254.170.2\(path)") != nil || Self.isTarget(path) else {
                throw AWSConfigurationError("\(Self.relativeName) is no path: give one that begins with a slash")
            }
            url = "http://169.254.170.2\(path)"
        } else if let text = read(Self.fullName) {
            guard let endpoint = EndpointURL(String(text.prefix { $0 != "?" })), Self.isTarget(text) else {
                throw AWSConfigurationError("\(Self.fullName) is no URL: give one such as http://169.254.170.23/v1/credentials")
            }
            guard endpoint.isSecure || Self.isNear(endpoint.host) else {
                throw AWSConfigurationError("\(Self.fullName) is http:// to another machine: give https://, or an address of this one")
            }
            url = text
        } else {
            return nil
        }
        token = read("AWS_CONTAINER_AUTHORIZATION_TOKEN")
        tokenFile = read("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    }

    func load(_ transport: some HTTPTransport, _ surroundings: Surroundings) async throws(AWSError) -> AWSCredentials {
        let request = OutgoingRequest(method: "GET", url: url, fields: try fields())
        var attempt = 1
        while true {
            let reason: String
            do throws(TransportFailure) {
                let answer = try await transport.send(request, timeout: Self.timeout)
                if answer.status == 200, let credentials = AWSCredentials(served: answer.body) { return credentials }
                reason = "answered \(answer.status) and no credentials"
                if answer.status < 500 { attempt = Self.attempts }
            } catch {
                reason = "\(error)"
                if error == .cancelled { attempt = Self.attempts }
            }
            if attempt == Self.attempts { throw .noCredentials("the container's endpoint: \(reason)") }
            await surroundings.sleep(RetryPolicy().pause(after: attempt, random: surroundings.random(), retryAfter: nil))
            attempt += 1
        }
    }

    private func fields() throws(AWSError) -> HTTPFields {
        var token = token
        if let tokenFile {
            guard let bytes = SmallFile.read(tokenFile, limit: Self.maxTokenBytes) else {
                throw .noCredentials("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE cannot be read")
            }
            token = String(decoding: bytes, as: UTF8.self)
            while token?.last?.isNewline == true { token?.removeLast() }
        }
        guard let token else { return [:] }
        guard token.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw .noCredentials("the container's authorization token has control characters")
        }
        return ["Authorization": token]
    }

    private static func isTarget(_ text: String) -> Bool {
        text.utf8.count <= 2048 && text.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }
    }

    /// This machine, or the addresses of ECS and EKS: a token over plain HTTP goes nowhere else.
    private static func isNear(_ host: String) -> Bool {
        if ["localhost", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"].contains(host) { return true }
        let numbers = host.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map { UInt8(Substring($0)) }
        return numbers.count == 4 && numbers[0] == 127 && !numbers.contains(nil)
    }
}
