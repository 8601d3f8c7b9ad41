import HTTPCodec

/// Keeps pages in this machine's browsers away from a management listener that asks for no token: loopback keeps out other
/// machines, and not what those have a browser here send.
///
/// A page's request has its `Origin`, and a name that was made to point here (DNS rebinding) is in `Host`.
struct BrowserGuard {
    enum Fault: String {
        case origin = "another page's origin"
        case host = "a host that is not this listener"
    }

    /// The host that the listener was told.
    let host: String

    func fault(of head: HTTPRequestHead) -> Fault? {
        let named = head.fields.first("Host")
        // None came with HTTP/1.0, which no browser speaks.
        if let named, !isOurs(named) { return .host }
        // The listener's own page may ask.
        let own = named.map { Array("http://\($0)".utf8) }
        let isOwn = head.fields.all("Origin").allSatisfy { Array($0.utf8) == own }
        return isOwn ? nil : .origin
    }

    private func isOurs(_ field: String) -> Bool {
        var name = field.lowercased()
        if let colon = name.lastIndex(of: ":"), name.last != "]", name.hasPrefix("[") || name.firstIndex(of: ":") == colon {
            name = String(name[..<colon])
        }
        if ["127.0.0.1", "localhost", host.lowercased()].contains(name) { return true }
        if name.hasPrefix("["), name.hasSuffix("]") { name = String(name.dropFirst().dropLast()) }
        return name == host.lowercased() || SocketAddress(host: name, isLiteral: true)?.isLoopback == true
    }
}
