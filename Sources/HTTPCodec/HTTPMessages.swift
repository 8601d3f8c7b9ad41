/// A request with its whole body.
public struct HTTPRequest: Sendable, Equatable {
    public var head: HTTPRequestHead
    public var body: [UInt8]

    public init(head: HTTPRequestHead, body: [UInt8] = []) {
        self.head = head
        self.body = body
    }

    public init(method: String = "GET", target: String, fields: HTTPFields = [:], body: [UInt8] = []) {
        self.init(head: HTTPRequestHead(method: method, target: target, fields: fields), body: body)
    }

    /// The message as it goes over the wire. `Content-Length` is set from the body, also for an empty body
    /// of a method that usually has one (RFC 9110 section 8.6).
    public func serialized() -> [UInt8] {
        var head = head
        head.fields.remove("Transfer-Encoding")
        head.fields.remove("Content-Length")
        if !body.isEmpty || ["POST", "PUT", "PATCH"].contains(head.method) {
            head.fields.add("Content-Length", String(body.count))
        }
        return head.serialized() + body
    }
}

/// A response with its whole body.
public struct HTTPResponse: Sendable, Equatable {
    public var status: Int
    public var fields: HTTPFields
    public var body: [UInt8]

    public init(status: Int, fields: HTTPFields = [:], body: [UInt8] = []) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// A response with text of the given media type.
    public init(
        status: Int, text: String, contentType: String = "text/plain; charset=utf-8", fields: HTTPFields = [:]
    ) {
        self.init(status: status, fields: fields, body: Array(text.utf8))
        self.fields.set("Content-Type", contentType)
    }

    /// A response with JSON that is already encoded.
    public init(status: Int, json: [UInt8], fields: HTTPFields = [:]) {
        self.init(status: status, fields: fields, body: json)
        self.fields.set("Content-Type", "application/json")
    }

    /// The answer to a request that could not be read; the connection is closed after it.
    public init(_ fault: HTTPFault) {
        self.init(status: fault.status, text: HTTPResponseHead.reasonPhrase(fault.status) + "\n")
    }

    /// The message as it goes over the wire.
    ///
    /// `Content-Length` is set from the body, which is left out for statuses that have none and for the answer
    /// to a HEAD request. Without `keepsAlive` it says `Connection: close`.
    public func serialized(keepsAlive: Bool = true, answersHEAD: Bool = false) -> [UInt8] {
        var head = HTTPResponseHead(status: status, fields: fields)
        head.fields.remove("Transfer-Encoding")
        head.fields.remove("Content-Length")
        let hasBody = !HTTPResponseHead.hasNoBody(status: status)
        if hasBody { head.fields.add("Content-Length", String(body.count)) }
        if !keepsAlive { head.fields.set("Connection", "close") }
        return hasBody && !answersHEAD ? head.serialized() + body : head.serialized()
    }
}
