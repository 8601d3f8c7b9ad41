import ChatWire

/// Where a client may put its token.
enum BearerToken {
    static let subprotocol = "muster.v1"
    private static let prefix = "bearer."

    /// From the query parameter `token` (the last one counts), else `Authorization: Bearer`, else the subprotocol
    /// `bearer.<token>` offered beside `muster.v1`.
    static func find(in event: GatewayEvent) -> String? {
        if let token = event.queryParameter("token") { return token }
        if let header = event.header("authorization") {
            let parts = header.split(separator: " ", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == "bearer" { return String(parts[1]) }
        }
        let offered = subprotocols(of: event)
        guard offered.contains(subprotocol) else { return nil }
        return offered.first { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
    }

    static func subprotocols(of event: GatewayEvent) -> [String] {
        event.headers.filter { $0.name.lowercased() == "sec-websocket-protocol" }
            .flatMap { $0.value.split(separator: ",") }
            .map { String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
    }
}
