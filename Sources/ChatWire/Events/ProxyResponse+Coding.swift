import JSONCoding

extension ProxyResponse {
    /// `{"statusCode", "headers", "body"}`, as a Lambda proxy integration answers.
    public func encoded() -> [UInt8] {
        var writer = JSONWriter(capacity: 128 + (body?.count ?? 0) * 9 / 8)
        writer.beginObject()
        writer.member("statusCode", statusCode)
        if !headers.isEmpty {
            writer.name("headers")
            writer.beginObject()
            for (name, value) in headers.sorted(by: { $0.key < $1.key }) { writer.member(name, value) }
            writer.endObject()
        }
        if let body { writer.member("body", String(decoding: body, as: UTF8.self)) }
        writer.endObject()
        return writer.bytes
    }

    /// Reads what a handler answered. A missing `statusCode` is a malformed answer, as for API Gateway.
    public init(decoding payload: [UInt8]) throws(EventError) {
        guard let root = (try? JSONParser.parse(payload))?.object else { throw EventError("the answer is no JSON object") }
        guard let status = root["statusCode"]?.int64.flatMap(Int.init(exactly:)), (100...599).contains(status) else {
            throw EventError("statusCode is missing or out of range")
        }
        self.init(statusCode: status)
        for member in root["headers"]?.object?.members ?? [] {
            if let text = member.value.scalarText { headers[member.name] = text }
        }
        guard let text = root["body"]?.string else { return }
        if root["isBase64Encoded"]?.bool == true {
            guard let bytes = Base64.decode(text, alphabet: .standard, padding: true) else {
                throw EventError("body is not base64")
            }
            body = bytes
        } else {
            body = Array(text.utf8)
        }
    }
}
