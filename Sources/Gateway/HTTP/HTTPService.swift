import ChatModel
import HTTPCodec

/// What an HTTP listener does with its requests.
struct HTTPService: Sendable {
    /// What became of a request to switch protocols.
    enum Upgrade {
        /// The channel has a new handler.
        case taken
        case refused(HTTPResponse)
    }

    var limits = HTTPLimits()
    /// What every answer says unless it says it itself.
    var fields: HTTPFields = [:]
    /// From the connection's start, or the first byte of a later request, to the end of the head.
    var headTimeout: Duration = .seconds(10)
    /// From the end of the head to the end of the body.
    var bodyTimeout: Duration = .seconds(30)
    /// How long a connection is kept between two requests.
    var idleTimeout: Duration = .seconds(75)
    /// Bytes of answers that may wait for a client that pipelines requests; above it the connection ends after the next.
    var unreadBytes = 256 * 1024

    /// Answers a request; `peer` is the client's address without its port.
    var respond: @Sendable (_ request: HTTPRequest, _ peer: String) async -> HTTPResponse
    /// Answers a request that cannot be read; the connection is closed after it.
    var refuse: @Sendable (HTTPFault) -> HTTPResponse = { HTTPResponse($0) }
    /// Offered every request with `Upgrade: websocket`, on the channel's loop. `received` came after the head.
    var upgrade: (@Sendable (_ head: HTTPRequestHead, _ channel: Channel, _ received: [UInt8]) -> Upgrade)?
}

extension HTTPFields {
    /// What keeps a browser from making more of an answer than it is.
    static let security: HTTPFields = [
        "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Cache-Control": "no-store",
    ]
}

extension HTTPLimits {
    /// Those of a listener that clients or operators reach.
    static func listener(maxBodyBytes: Int) -> HTTPLimits {
        HTTPLimits(
            maxHeadBytes: Limits.requestHeadBytes, maxFields: Limits.requestFields,
            maxTargetBytes: Limits.requestTargetBytes, maxBodyBytes: maxBodyBytes)
    }
}

extension HTTPResponse {
    /// The response with those of the fields that it does not have.
    func completed(with fields: HTTPFields) -> HTTPResponse {
        var response = self
        for field in fields where response.fields.first(field.name) == nil { response.fields.add(field.name, field.value) }
        return response
    }

    /// A tiny JSON body that says no more than the status.
    static func uniform(_ status: Int, fields: HTTPFields = [:]) -> HTTPResponse {
        let phrase = HTTPResponseHead.reasonPhrase(status)
        return HTTPResponse(
            status: status, json: Array(#"{"message":"\#(phrase.isEmpty ? "Refused" : phrase)"}"#.utf8), fields: fields)
    }

    /// What `GET /healthz` answers.
    static let healthy = HTTPResponse(status: 200, json: Array(#"{"status":"ok"}"#.utf8))
}
