/// A WebSocket URL (RFC 6455 section 3).
public struct Endpoint: Sendable, Equatable, CustomStringConvertible {
    public let isSecure: Bool
    public let host: String
    public let port: UInt16
    /// Path and query.
    public let target: String

    public init(_ url: String) throws(LoadError) {
        let lower = url.lowercased()
        isSecure = lower.hasPrefix("wss://")
        guard isSecure || lower.hasPrefix("ws://"), url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw .invalidURL(url)
        }
        let rest = url.dropFirst(isSecure ? 6 : 5)
        let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
        let authority = rest[..<end]
        var target = String(rest[end...])
        if !target.hasPrefix("/") { target = "/" + target }
        // User information is refused rather than left out, and a fragment means nothing here.
        guard !authority.contains("@"), !target.contains("#") else { throw .invalidURL(url) }
        self.target = target
        var name = authority
        var port: UInt16? = isSecure ? 443 : 80
        if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
            name = authority[..<colon]
            port = UInt16(authority[authority.index(after: colon)...])
        }
        if name.hasPrefix("["), name.hasSuffix("]") { name = name.dropFirst().dropLast() }
        guard let port, port > 0, !name.isEmpty, !name.contains("["), name.contains(":") == authority.hasPrefix("[") else {
            throw .invalidURL(url)
        }
        (host, self.port) = (String(name), port)
    }

    /// The URL without its query, which may hold a token.
    public var description: String { "\(isSecure ? "wss" : "ws")://\(authority)\(target.prefix { $0 != "?" })" }

    /// The `Host` field: without the port if it is the scheme's own.
    public var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }

    /// What TLS is opened to.
    var secureURL: String { "https://\(host.contains(":") ? "[\(host)]" : host):\(port)/" }

    /// The target with one more query parameter.
    public func target(adding name: String, _ value: String) -> String {
        "\(target)\(target.contains("?") ? "&" : "?")\(name)=\(value)"
    }

    /// Whether the query has this parameter.
    public func has(_ name: String) -> Bool {
        guard let query = target.firstIndex(of: "?") else { return false }
        return target[target.index(after: query)...].split(separator: "&").contains { $0.hasPrefix("\(name)=") }
    }
}
