import ChatModel
import ChatWire
import HTTPCodec

/// The events of API Gateway's Lambda proxy integration, field for field.
///
/// Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html
extension GatewayConnection {
    /// What `$connect` is told: everything the client sent.
    func connectEvent(_ head: HTTPRequestHead, _ query: [QueryItem]) -> GatewayEvent {
        var event = GatewayEvent(context(.connect, .connect))
        event.headers = head.fields.map { ($0.name, $0.value) }
        event.query = query.map { ($0.name, $0.value) }
        return event
    }

    /// What a text frame raises, by API Gateway's route selection expression `$request.body.action`: `$default` when no
    /// route is named, or the frame is no JSON object.
    func messageEvent(_ text: [UInt8]) -> (GatewayEvent, Route) {
        let frame = FrameEnvelope(parsing: text)
        let route = Route(action: frame.action)
        var context = context(route, .message)
        context.messageID = context.requestID
        return (GatewayEvent(context, text: text, parsed: frame), route)
    }

    func disconnectEvent(_ end: WebSocketEnd) -> GatewayEvent {
        var context = context(.disconnect, .disconnect)
        context.disconnectStatusCode = Int(end.code.rawValue)
        context.disconnectReason = end.reason
        var event = GatewayEvent(context)
        event.headers = [("Host", host)]
        return event
    }

    /// Logs a handler that failed on an event; what its client is told.
    func failure(_ event: GatewayEvent, because reason: String) -> [UInt8] {
        core.log.error(
            "handler failed",
            [
                "connectionId": id.text, "requestId": event.context.requestID, "route": event.context.routeKey,
                "because": reason,
            ])
        return FailureFrame.encode(connectionID: id.text, requestID: event.context.requestID ?? "")
    }

    private func context(_ route: Route, _ type: GatewayEvent.EventType) -> GatewayEvent.Context {
        var context = GatewayEvent.Context(connectionID: id.text, routeKey: route.rawValue)
        let requestID = members.requestIDs.next()
        context.eventType = type
        context.requestID = requestID
        context.extendedRequestID = requestID
        context.stage = core.configuration.stage
        context.domainName = host
        context.apiID = "local"
        context.connectedAt = connectedAt
        context.requestTime = core.configuration.clock.now()
        context.sourceIP = sourceIP
        context.userAgent = userAgent
        return context
    }
}
