import ChatModel
import ChatWire
import HTTPCodec
import Logs

/// What runs a route's handler: in this process, or as a child.
public protocol HandlerInvoker: Sendable {
    /// Runs the handler of a route. A throw is a failed handler: 502 on `$connect`, an error frame on a message.
    ///
    /// Called on the connection's loop thread, which must not be blocked.
    func invoke(_ route: Route, _ event: GatewayEvent) async throws -> HandlerOutcome
}

/// Everything that can be said about a gateway before it starts.
public struct GatewayConfiguration: Sendable {
    public var host = "127.0.0.1"
    /// 0: any free one.
    public var port: UInt16 = 8080
    public var managementHost = "127.0.0.1"
    /// 0: any free one.
    public var managementPort: UInt16 = 8081
    /// When set, the management listener wants it as a bearer token on everything but `/healthz`. Without one it has to be
    /// on a loopback address, and takes no requests from a browser's pages.
    public var managementToken: String?
    public var stage = "local"
    /// Event loops; each is one thread.
    public var threads = 1

    /// Bytes that may wait for one connection before it is closed with 1013.
    public var sendQueueBytes = 1 << 20
    /// Without a data frame from the client; then close 1001.
    public var idleTimeout: Duration = .seconds(600)
    /// From the handshake; then close 1001.
    public var maxAge: Duration = .seconds(7200)
    /// From the first byte of a message to its last, fragments and all; each KB that has arrived adds a second, so that
    /// a slow link is no fault. Time in which the server itself does not read is not counted. Then close 1001.
    public var messageTimeout: Duration = .seconds(20)
    public var framePayloadBytes = Limits.framePayloadBytes
    public var messageBytes = Limits.messageBytes
    public var rateLimit = RateLimit(messagesPerSecond: Limits.ratePerSecond)
    public var addressLimit = AddressLimit()
    /// Messages of one connection that may wait for the one being handled; more stay in the socket.
    public var waitingMessages = 64
    /// Bytes of those messages; about as many more may be under way.
    public var waitingBytes = 256 * 1024
    /// Routes whose frames on one connection need not wait for each other.
    public var concurrentRoutes: Set<Route> = []
    /// Frames of one connection that may be under way together, as long as they have fewer than ``waitingBytes`` bytes.
    public var concurrentMessages = 64
    /// How long ``Gateway/stop()`` takes at most.
    public var stopTimeout: Duration = .milliseconds(4500)

    /// The frame that answers a message over the rate, given that message.
    public var rateLimitedReply: @Sendable (_ body: String) -> [UInt8] = { _ in
        Array(#"{"type":"error","code":"rate_limited","status":429,"message":"too many messages"}"#.utf8)
    }
    /// What the public listener answers a GET that is not `/healthz`; nil: 404. Never asked for a path that climbs. Its own
    /// `Content-Security-Policy` and `Cache-Control` stand.
    public var page: (@Sendable (HTTPRequest) -> HTTPResponse?)?
    /// Asked on the management listener for every path that is not the gateway's own; nil: 404.
    public var extraRoutes: (@Sendable (HTTPRequest) async -> HTTPResponse?)?

    public var clock: any GatewayClock = MachineClock()
    public var log = Log.silent

    public init() {}
}
