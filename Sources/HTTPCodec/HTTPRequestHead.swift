/// The start line and fields of a request (RFC 9112 section 3).
public struct HTTPRequestHead: Sendable, Equatable {
    /// Case-sensitive, e.g. `GET`.
    public var method: String
    /// As received: nothing is decoded or normalised.
    public var target: String
    public var fields: HTTPFields
    /// 0 or 1: HTTP/1.0 or HTTP/1.1.
    public var minorVersion: Int

    public init(method: String, target: String, fields: HTTPFields = [:], minorVersion: Int = 1) {
        self.method = method
        self.target = target
        self.fields = fields
        self.minorVersion = minorVersion
    }

    /// The target before its first `?`, still percent-encoded.
    public var path: String {
        String(target.utf8.prefix { $0 != UInt8(ascii: "?") }) ?? ""
    }

    /// The target after its first `?`, still percent-encoded; nil without a `?`.
    public var query: String? {
        guard let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) else { return nil }
        return String(target[target.utf8.index(after: mark)...])
    }

    /// Whether the client wants the connection kept after the answer (RFC 9112 section 9.3).
    public var keepsAlive: Bool {
        if fields.contains("Connection", token: "close") { return false }
        return minorVersion == 1 || fields.contains("Connection", token: "keep-alive")
    }

    /// Whether the client waits for `100 Continue` before it sends the body (RFC 9110 section 10.1.1).
    public var expectsContinue: Bool {
        minorVersion == 1 && fields.contains("Expect", token: "100-continue")
    }

    /// The head as it goes over the wire, with the empty line.
    public func serialized() -> [UInt8] {
        precondition(ASCII.isToken(method.utf8), "the method must be a token")
        precondition(!target.isEmpty && target.utf8.allSatisfy(ASCII.isTargetByte), "the target must be encoded")
        var bytes = Array("\(method) \(target) HTTP/1.\(minorVersion)\r\n".utf8)
        fields.write(to: &bytes)
        bytes.append(contentsOf: [ASCII.cr, ASCII.lf])
        return bytes
    }
}
