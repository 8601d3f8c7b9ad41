import ChatModel

/// What API Gateway tells a handler about a WebSocket connection (Lambda proxy integration).
///
/// Only `connectionID` and `routeKey` are always there; real events, test events and emulators leave others out.
/// Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html
public struct GatewayEvent: Equatable, Sendable {
    public enum EventType: String, Sendable { case connect = "CONNECT", message = "MESSAGE", disconnect = "DISCONNECT" }

    public struct Context: Equatable, Sendable {
        public var connectionID: String
        public var routeKey: String
        public var eventType: EventType?
        public var requestID: String?
        public var extendedRequestID: String?
        /// Only a message has one.
        public var messageID: String?
        public var stage: String?
        public var domainName: String?
        public var apiID: String?
        public var connectedAt: Timestamp?
        public var requestTime: Timestamp?
        public var sourceIP: String?
        public var userAgent: String?
        /// What a Lambda authorizer returned at `$connect`; API Gateway repeats it in every later event.
        public var authorizer: [String: String] = [:]
        /// Only a disconnect has these.
        public var disconnectStatusCode: Int?
        public var disconnectReason: String?

        public init(connectionID: String, routeKey: String) {
            self.connectionID = connectionID
            self.routeKey = routeKey
        }
    }

    public var context: Context
    /// Name and value as received; only `$connect` (and, few, `$disconnect`) has them.
    public var headers: [(name: String, value: String)] = []
    /// Decoded; of one name given twice, the last counts.
    public var query: [(name: String, value: String)] = []
    /// The text frame; only a message has one. UTF-8.
    public var text: [UInt8]?
    /// The text frame as an engine in this process parsed it already, to find its route.
    private var parsed: FrameEnvelope?

    public init(_ context: Context, body: String? = nil) {
        self.context = context
        text = body.map { Array($0.utf8) }
    }

    /// - Parameter parsed: what `text` was parsed to.
    public init(_ context: Context, text: [UInt8], parsed: FrameEnvelope) {
        self.context = context
        self.text = text
        self.parsed = parsed
    }

    public var body: String? {
        get { text.map { String(decoding: $0, as: UTF8.self) } }
        set {
            text = newValue.map { Array($0.utf8) }
            parsed = nil
        }
    }

    /// The text frame, parsed.
    public var frame: FrameEnvelope { parsed ?? FrameEnvelope(parsing: text ?? []) }

    /// The last value of a header, its name in any case.
    public func header(_ name: String) -> String? {
        let wanted = name.lowercased()
        return headers.last { $0.name.lowercased() == wanted }?.value
    }

    /// The last value of a query parameter.
    public func queryParameter(_ name: String) -> String? {
        query.last { bytesEqual($0.name, name) }?.value
    }

    public static func == (a: GatewayEvent, b: GatewayEvent) -> Bool {
        a.context == b.context && a.text == b.text
            && a.headers.elementsEqual(b.headers, by: ==) && a.query.elementsEqual(b.query, by: ==)
    }
}

/// The routes of the API, by API Gateway's route keys.
public enum Route: String, Sendable, CaseIterable {
    case connect = "$connect"
    case disconnect = "$disconnect"
    case `default` = "$default"
    case joinRoom, leaveRoom, sendMessage, heartbeat, online, history

    /// The executable that serves it: `Handlers/<name>/main.swift`.
    public var handlerName: String {
        switch self {
        case .connect: "Connect"
        case .disconnect: "Disconnect"
        case .default: "Default"
        case .joinRoom: "JoinRoom"
        case .leaveRoom: "LeaveRoom"
        case .sendMessage: "SendMessage"
        case .heartbeat: "Heartbeat"
        case .online: "Online"
        case .history: "History"
        }
    }

    /// The route for a client's `action`. The lifecycle routes cannot be named by a client.
    public init(action: String?) {
        switch action.flatMap(Route.init(rawValue:)) {
        case .connect, .disconnect, .default, nil: self = .default
        case .some(let route): self = route
        }
    }
}
