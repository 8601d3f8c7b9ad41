/// A service's base URL.
struct EndpointURL: Equatable, Sendable {
    var isSecure: Bool
    /// As in a URL: an IPv6 address in brackets.
    var host: String
    /// Nil for the scheme's own.
    var port: UInt16?
    /// Without a slash at its end; empty for none.
    var path = ""

    init(isSecure: Bool = true, host: String, port: UInt16? = nil) {
        self.isSecure = isSecure
        self.host = host
        self.port = port
    }

    /// Reads `http[s]://HOST[:PORT][/PATH]`; nil for anything else, and for user names, queries and fragments.
    init?(_ text: String) {
        var rest = text.utf8[...]
        if let after = Self.dropping("https://", from: rest) {
            (isSecure, rest) = (true, after)
        } else if let after = Self.dropping("http://", from: rest) {
            (isSecure, rest) = (false, after)
        } else {
            return nil
        }
        let end = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
        var authority = rest[..<end]
        guard rest[end...].allSatisfy(Self.isPathByte), rest.count <= Self.maxBytes else { return nil }
        var path = rest[end...]
        while path.last == UInt8(ascii: "/") { path.removeLast() }
        if authority.first == UInt8(ascii: "[") {
            guard let close = authority.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            let address = authority[authority.index(after: authority.startIndex)..<close]
            guard !address.isEmpty, address.allSatisfy(Self.isAddressByte) else { return nil }
            host = String(Substring(authority[...close]))
            authority = authority[authority.index(after: close)...]
            guard authority.isEmpty || authority.first == UInt8(ascii: ":") else { return nil }
        } else {
            let colon = authority.firstIndex(of: UInt8(ascii: ":")) ?? authority.endIndex
            guard colon > authority.startIndex, authority[..<colon].allSatisfy(Self.isNameByte) else { return nil }
            host = String(Substring(authority[..<colon]))
            authority = authority[colon...]
        }
        if let colon = authority.first {
            guard colon == UInt8(ascii: ":"), let port = UInt16(Substring(authority.dropFirst())), port > 0 else { return nil }
            self.port = port
        }
        self.path = String(Substring(path))
    }

    /// What connections are made to: `https://host:8443`.
    var origin: String { (isSecure ? "https://" : "http://") + host + (port.map { ":\($0)" } ?? "") }

    /// What `Host` says: without the port where it is the scheme's own.
    var authority: String {
        guard let port, port != (isSecure ? 443 : 80) else { return host }
        return "\(host):\(port)"
    }

    /// Whether the host is one of AWS's own.
    var isOfAWS: Bool { host.hasSuffix(".amazonaws.com") || host.hasSuffix(".amazonaws.com.cn") }

    /// Whether the host is this machine: `localhost`, `[::1]`, or four numbers of which the first is 127.
    var isLoopback: Bool {
        if host == "localhost" || host == "[::1]" { return true }
        let numbers = host.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map { UInt8(Substring($0)) }
        return numbers.count == 4 && numbers[0] == 127 && !numbers.contains(nil)
    }

    /// Whether the host is `API.execute-api.…`, as events name it.
    var isOfAnAPI: Bool {
        let labels = host.utf8.split(separator: UInt8(ascii: "."), maxSplits: 2)
        return labels.count > 1 && labels[1].elementsEqual("execute-api".utf8)
    }

    private static let maxBytes = 2048

    private static func dropping(_ prefix: String, from text: Substring.UTF8View) -> Substring.UTF8View? {
        text.starts(with: prefix.utf8) ? text.dropFirst(prefix.utf8.count) : nil
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func isAddressByte(_ byte: UInt8) -> Bool {
        Hexadecimal.value(byte) != nil || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
    }

    private static func isPathByte(_ byte: UInt8) -> Bool {
        (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "?") && byte != UInt8(ascii: "#")
    }
}
