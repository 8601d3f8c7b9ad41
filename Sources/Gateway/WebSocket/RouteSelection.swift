import ChatWire
import JSONCoding

/// API Gateway's route selection expression `$request.body.action`.
enum RouteSelection {
    /// The route a frame's `action` names; `$default` when none does, or the frame is no JSON object.
    static func route(of text: [UInt8]) -> Route {
        guard let body = try? JSONParser.parse(text), let action = body.object?["action"]?.string else { return .default }
        return Route(action: action)
    }
}

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
