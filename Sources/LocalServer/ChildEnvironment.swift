import ChatHandlers
import Glibc

extension ServerConfiguration {
    /// What child handlers see: the service's settings, the database file, and where to post.
    func childEnvironment(databasePath: String, managementPort: UInt16) -> [String: String] {
        let host = reachable(managementHost)
        let postHost = host.contains(":") ? "[\(host)]" : host
        var variables = [
            "MUSTER_DATABASE": absolute(databasePath),
            "WEBSOCKET_ENDPOINT": "http://\(postHost):\(managementPort)/\(stage)",
            "MUSTER_TENANT_CLAIM": environment.rules.tenantClaim,
            "MUSTER_PRESENCE_TTL": "\(environment.settings.presenceTTL.count)",
            "MUSTER_MAX_AGE": "\(environment.settings.maxConnectionAge.count)",
            "MUSTER_MAX_CONNECTIONS_PER_USER": "\(environment.settings.connectionsPerUser)",
            // The gateway has judged a frame before a child gets it.
            "MUSTER_RATE_LIMIT": "0",
            "MUSTER_LOG_LEVEL": environment.logLevel.rawValue,
            "MUSTER_LOG_FORMAT": environment.logFormat.rawValue,
            "AWS_REGION": "local",
        ]
        variables["MUSTER_JWT_SECRET"] = environment.secret
        switch environment.keySet {
        case nil: break
        case .file(let path): variables["MUSTER_JWKS"] = absolute(path)
        case .url(let url):
            variables["MUSTER_JWKS"] = url
            variables["MUSTER_CA"] = environment.authorities.map(absolute)
        }
        variables["MUSTER_HISTORY_TTL"] = environment.settings.historyTTL.map { "\($0.count)" }
        variables["MUSTER_ALLOWED_ORIGINS"] = environment.settings.allowedOrigins?.description
        variables["MUSTER_JWT_ISSUER"] = environment.rules.issuer
        variables["MUSTER_JWT_AUDIENCE"] = environment.rules.audience
        variables["MUSTER_MANAGEMENT_TOKEN"] = managementToken
        return variables
    }

    /// For a process that may have another working folder.
    func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let folder = unsafe getcwd(nil, 0) else { return path }
        defer { unsafe free(folder) }
        return unsafe String(cString: folder) + "/" + path
    }
}
