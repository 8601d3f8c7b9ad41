import ChatHandlers

extension ServerConfiguration {
    /// What child handlers see: the service's settings, the database file, and where to post.
    func childEnvironment(secret: String, databasePath: String, managementPort: UInt16) -> [String: String] {
        var variables = [
            "MUSTER_DATABASE": databasePath,
            "WEBSOCKET_ENDPOINT": "http://\(reachable(managementHost)):\(managementPort)/\(stage)",
            "MUSTER_JWT_SECRET": secret,
            "MUSTER_TENANT_CLAIM": environment.rules.tenantClaim,
            "MUSTER_PRESENCE_TTL": "\(environment.settings.presenceTTL.count)",
            "MUSTER_MAX_AGE": "\(environment.settings.maxConnectionAge.count)",
            "MUSTER_MAX_CONNECTIONS_PER_USER": "\(environment.settings.connectionsPerUser)",
            "MUSTER_LOG_LEVEL": environment.logLevel.rawValue,
            "MUSTER_LOG_FORMAT": environment.logFormat.rawValue,
            "AWS_REGION": "local",
        ]
        variables["MUSTER_HISTORY_TTL"] = environment.settings.historyTTL.map { "\($0.count)" }
        variables["MUSTER_ALLOWED_ORIGINS"] = environment.settings.allowedOrigins?.joined(separator: ",")
        variables["MUSTER_JWT_ISSUER"] = environment.rules.issuer
        variables["MUSTER_JWT_AUDIENCE"] = environment.rules.audience
        variables["MUSTER_MANAGEMENT_TOKEN"] = managementToken
        return variables
    }
}
