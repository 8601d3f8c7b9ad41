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
        var names: [String] = []
        var values: [String: [String]] = [:]
        for (name, value) in pairs {
            if values[name] == nil { names.append(name) }
            values[name, default: []].append(value)
        }
        writer.name(single)
        writer.beginObject()
        for name in names { writer.member(name, values[name]?.last ?? "") }
        writer.endObject()
        writer.name(multi)
        writer.beginObject()
        for name in names { writer.member(name, values[name] ?? []) }
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
