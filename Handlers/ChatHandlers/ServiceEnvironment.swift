import ChatModel
import Logs
import Tokens

/// A setting that cannot be used; one line that names it and never repeats a secret.
public struct SettingError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}

/// The service's settings as environment variables give them, to a Lambda function and to the local server alike.
public struct ServiceEnvironment: Sendable {
    public var settings = Settings()
    /// Judged where frames arrive first: by the local server's gateway, and on AWS by each instance of a function.
    public var rateLimit = RateLimit(messagesPerSecond: Limits.ratePerSecond)
    /// Nil where none is configured.
    public var secret: String?
    /// Nil where none is configured.
    public var keySet: KeySetLocation?
    /// A PEM file of the authorities that may vouch for a key set's host; nil: the system's.
    public var authorities: String?
    public var rules: TokenRules
    public var logLevel = LogLevel.info
    public var logFormat = LogFormat.json

    /// Every variable that is read here.
    public static let variableNames = [
        "MUSTER_PRESENCE_TTL", "MUSTER_HISTORY_TTL", "MUSTER_MAX_AGE", "MUSTER_MAX_CONNECTIONS_PER_USER",
        "MUSTER_ALLOWED_ORIGINS", "MUSTER_RATE_LIMIT", "MUSTER_JWT_SECRET", "MUSTER_JWKS", "MUSTER_TENANT_CLAIM", "MUSTER_JWT_ISSUER",
        "MUSTER_JWT_AUDIENCE", "MUSTER_LOG_LEVEL", "MUSTER_LOG_FORMAT",
    ] + authorityNames

    /// Our own name for the file of authorities, and those that other programs have for it; the first that is set counts.
    public static let authorityNames = ["MUSTER_CA", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "AWS_CA_BUNDLE"]

    public init(_ variables: [String: String]) throws(SettingError) {
        let read = VariableReader(variables)
        settings.presenceTTL = try read.seconds("MUSTER_PRESENCE_TTL", 1...86_400) ?? settings.presenceTTL
        settings.historyTTL = try read.seconds("MUSTER_HISTORY_TTL", 1...3_155_760_000)
        settings.maxConnectionAge = try read.seconds("MUSTER_MAX_AGE", 1...604_800) ?? settings.maxConnectionAge
        settings.connectionsPerUser = try read.count("MUSTER_MAX_CONNECTIONS_PER_USER", 1...1000) ?? settings.connectionsPerUser
        settings.allowedOrigins = try read.origins("MUSTER_ALLOWED_ORIGINS")
        rateLimit = try read.count("MUSTER_RATE_LIMIT", 0...1_000_000).map(RateLimit.init(messagesPerSecond:)) ?? rateLimit
        secret = read.text("MUSTER_JWT_SECRET")
        keySet = read.text("MUSTER_JWKS").map { KeySetLocation($0) }
        authorities = Self.authorityNames.lazy.compactMap(read.text).first
        rules = TokenRules(
            tenantClaim: read.text("MUSTER_TENANT_CLAIM") ?? TokenRules().tenantClaim,
            issuer: read.text("MUSTER_JWT_ISSUER"), audience: read.text("MUSTER_JWT_AUDIENCE"),
            maxTokenBytes: Limits.tokenBytes)
        logLevel = try read.choice("MUSTER_LOG_LEVEL", "trace, debug, info, warning or error") { LogLevel($0) } ?? logLevel
        logFormat = try read.choice("MUSTER_LOG_FORMAT", "text or json") { LogFormat($0) } ?? logFormat
    }

    /// Who judges tokens by the configured secret, the key set, or both; nil without any.
    /// - Parameter source: of ``keySet``, if that is set.
    public func verifier(_ source: (any KeySource)?, log: Log) throws(SettingError) -> (any TokenJudge)? {
        var secrets: [TokenKey] = []
        do throws(KeyError) {
            if let secret { secrets = [try TokenKey(secret: Array(secret.utf8))] }
        } catch {
            throw SettingError("MUSTER_JWT_SECRET is too short: give at least \(TokenKey.minSecretBytes) bytes")
        }
        if let source { return KeyRing(secrets: secrets, source: source, rules: rules, log: log) }
        return secrets.isEmpty ? nil : TokenVerifier(keys: KeySet(secrets), rules: rules)
    }
}

/// Where `MUSTER_JWKS` says that the key set is.
public enum KeySetLocation: Equatable, Sendable {
    case file(String)
    case url(String)

    /// What has `://` is a URL, and nobody's path.
    init(_ text: String) { self = text.contains("://") ? .url(text) : .file(text) }
}

/// Reads environment variables; an empty one is as if unset.
public struct VariableReader: Sendable {
    private let variables: [String: String]

    public init(_ variables: [String: String]) { self.variables = variables }

    public func text(_ name: String) -> String? { variables[name].flatMap { $0.isEmpty ? nil : $0 } }

    public func seconds(_ name: String, _ range: ClosedRange<Int64>) throws(SettingError) -> Seconds? {
        guard let text = text(name) else { return nil }
        guard let value = Seconds(parsing: text), range.contains(value.count) else {
            throw SettingError(
                "\(name) is '\(text)': give \(range.lowerBound) to \(range.upperBound) seconds, or a number with s, m or h")
        }
        return value
    }

    public func count(_ name: String, _ range: ClosedRange<Int>) throws(SettingError) -> Int? {
        guard let text = text(name) else { return nil }
        guard let value = Int(text), range.contains(value) else {
            throw SettingError("\(name) is '\(text)': give a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// A list separated by commas, blanks around its entries left out.
    func origins(_ name: String) throws(SettingError) -> AllowedOrigins? {
        guard let text = text(name) else { return nil }
        var patterns: [AllowedOrigins.Pattern] = []
        for entry in text.split(separator: ",") {
            let entry = String(entry.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            guard !entry.isEmpty else { continue }
            guard let pattern = AllowedOrigins.Pattern(entry) else {
                throw SettingError(
                    "\(name) has '\(entry)', which no browser sends: give origins such as https://chat.example.com, "
                        + "https://*.example.com or http://localhost:3000, in lower case and without a path; leave it out to allow all")
            }
            patterns.append(pattern)
        }
        guard !patterns.isEmpty else { throw SettingError("\(name) lists no origin; leave it out to allow all") }
        return AllowedOrigins(patterns)
    }

    public func choice<Value>(
        _ name: String, _ choices: String, _ parse: (String) -> Value?
    ) throws(SettingError) -> Value? {
        guard let text = text(name) else { return nil }
        guard let value = parse(text) else { throw SettingError("\(name) is '\(text)': give \(choices)") }
        return value
    }
}
