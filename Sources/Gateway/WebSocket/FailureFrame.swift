import JSONCoding

/// What API Gateway sends a client whose message a handler failed on.
enum FailureFrame {
    static func encode(connectionID: String, requestID: String) -> [UInt8] {
        var json = JSONWriter(capacity: 128)
        json.beginObject()
        json.member("message", "Internal server error")
        json.member("connectionId", connectionID)
        json.member("requestId", requestID)
        json.endObject()
        return json.bytes
    }
}
