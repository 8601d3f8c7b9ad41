import JSONCoding

/// Whose the given tokens are, read without verifying them: that is the service's business.
struct UserNames {
    private var connections: [String: Int] = [:]

    /// Nil unless every connection has a user of its own.
    init?(_ tokens: [String], connections count: Int) {
        guard tokens.count >= count else { return nil }
        for (connection, token) in tokens.prefix(count).enumerated() {
            let parts = token.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 3, let payload = Base64.decode(String(parts[1]), alphabet: .url, padding: false),
                let user = (try? JSONParser.parse(payload))?.object?["sub"]?.string
            else { return nil }
            guard connections.updateValue(connection, forKey: user) == nil else { return nil }
        }
    }

    func connection(_ user: String) -> Int? { connections[user] }
}
