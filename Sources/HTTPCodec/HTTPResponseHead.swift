/// The status line and fields of a response (RFC 9112 section 4).
public struct HTTPResponseHead: Sendable, Equatable {
    /// 100 to 999.
    public var status: Int
    /// Informative only; the status decides.
    public var reason: String
    public var fields: HTTPFields
    /// 0 or 1: HTTP/1.0 or HTTP/1.1.
    public var minorVersion: Int

    /// Without a `reason` the registered phrase of the status is used.
    public init(status: Int, reason: String? = nil, fields: HTTPFields = [:], minorVersion: Int = 1) {
        self.status = status
        self.reason = reason ?? Self.reasonPhrase(status)
        self.fields = fields
        self.minorVersion = minorVersion
    }

    /// Whether the connection can carry another request after this response.
    public var keepsAlive: Bool {
        if fields.contains("Connection", token: "close") { return false }
        return minorVersion == 1 || fields.contains("Connection", token: "keep-alive")
    }

    /// Whether a response with this status never has a body, whatever its fields say (RFC 9112 section 6.3).
    public static func hasNoBody(status: Int) -> Bool {
        status < 200 || status == 204 || status == 304
    }

    /// The head as it goes over the wire, with the empty line.
    public func serialized() -> [UInt8] {
        precondition((100...999).contains(status), "a status has three digits")
        var bytes = Array("HTTP/1.\(minorVersion) \(status) ".utf8)
        bytes.append(contentsOf: reason.utf8.filter(ASCII.isValueByte))
        bytes.append(contentsOf: [ASCII.cr, ASCII.lf])
        fields.write(to: &bytes)
        bytes.append(contentsOf: [ASCII.cr, ASCII.lf])
        return bytes
    }

    /// The registered phrase of a status (RFC 9110 section 15), or an empty text.
    public static func reasonPhrase(_ status: Int) -> String {
        switch status {
        case 100: "Continue"
        case 101: "Switching Protocols"
        case 200: "OK"
        case 202: "Accepted"
        case 204: "No Content"
        case 304: "Not Modified"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 410: "Gone"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 417: "Expectation Failed"
        case 426: "Upgrade Required"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: ""
        }
    }
}
