import ChatModel
import JSONCoding

extension GatewayEvent {
    /// The JSON that API Gateway would send, field for field.
    public func encoded() -> [UInt8] {
        var writer = JSONWriter(capacity: 1024 + (body?.utf8.count ?? 0))
        writer.beginObject()
        if !headers.isEmpty { GatewayEvent.write(headers, "headers", "multiValueHeaders", to: &writer) }
        if !query.isEmpty {
            GatewayEvent.write(query, "queryStringParameters", "multiValueQueryStringParameters", to: &writer)
        }
        writer.name("requestContext")
        context.encode(to: &writer)
        writer.member("body", ifPresent: body)
        writer.member("isBase64Encoded", false)
        writer.endObject()
        return writer.bytes
    }

    private static func write(
        _ pairs: [(name: String, value: String)], _ single: String, _ multi: String, to writer: inout JSONWriter
    ) {
        var fields: [(name: String, values: [String])] = []
        // By bytes: names that are only canonically equivalent are different names.
        var places: [[UInt8]: Int] = [:]
        for (name, value) in pairs {
            if let place = places[Array(name.utf8)] {
                fields[place].values.append(value)
            } else {
                places[Array(name.utf8)] = fields.count
                fields.append((name, [value]))
            }
        }
        writer.name(single)
        writer.beginObject()
        for field in fields { writer.member(field.name, field.values.last ?? "") }
        writer.endObject()
        writer.name(multi)
        writer.beginObject()
        for field in fields { writer.member(field.name, field.values) }
        writer.endObject()
    }
}

extension GatewayEvent.Context {
    fileprivate func encode(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("routeKey", routeKey)
        writer.member("eventType", ifPresent: eventType?.rawValue)
        writer.member("messageId", ifPresent: messageID)
        writer.member("disconnectStatusCode", ifPresent: disconnectStatusCode.map(Int64.init))
        writer.member("disconnectReason", ifPresent: disconnectReason)
        writer.member("extendedRequestId", ifPresent: extendedRequestID)
        writer.member("requestTime", ifPresent: requestTime?.commonLogFormat)
        if eventType != nil { writer.member("messageDirection", "IN") }
        writer.member("stage", ifPresent: stage)
        writer.member("connectedAt", ifPresent: connectedAt?.milliseconds)
        writer.member("requestTimeEpoch", ifPresent: requestTime?.milliseconds)
        if sourceIP != nil || userAgent != nil {
            writer.name("identity")
            writer.beginObject()
            writer.member("sourceIp", ifPresent: sourceIP)
            writer.member("userAgent", ifPresent: userAgent)
            writer.endObject()
        }
        writer.member("requestId", ifPresent: requestID)
        writer.member("domainName", ifPresent: domainName)
        writer.member("connectionId", connectionID)
        writer.member("apiId", ifPresent: apiID)
        if !authorizer.isEmpty {
            writer.name("authorizer")
            writer.beginObject()
            for (name, value) in authorizer.sorted(by: { $0.key < $1.key }) { writer.member(name, value) }
            writer.endObject()
        }
        writer.endObject()
    }
}
