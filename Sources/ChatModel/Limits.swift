/// Every bound of the service, with its unit. What is a setting is in ``Settings``; these are fixed by the contract.
public enum Limits {
    /// Bytes of a tenant or room id.
    public static let plainNameBytes = 128
    /// Bytes of a user id.
    public static let userIDBytes = 256
    /// Bytes of a connection id; API Gateway's have 16.
    public static let connectionIDBytes = 128
    /// Bytes of a message body.
    public static let bodyBytes = 16 * 1024
    /// Bytes of a `clientMessageId`.
    public static let clientMessageIDBytes = 128
    /// Bytes of a textual `requestId`; a numeric one is bounded alike.
    public static let requestIDBytes = 128
    /// Payload bytes of one WebSocket frame from a client (API Gateway's own limit).
    public static let framePayloadBytes = 32 * 1024
    /// Bytes of one WebSocket message, either way (API Gateway's own limit).
    public static let messageBytes = 128 * 1024
    /// Nested arrays and objects in a client frame.
    public static let jsonDepth = 32
    /// Bytes of a token.
    public static let tokenBytes = 8 * 1024

    /// Bytes of a request's target, its query included.
    public static let requestTargetBytes = 8 * 1024
    /// Bytes of a request's line and fields, and fields among them.
    public static let requestHeadBytes = 16 * 1024
    public static let requestFields = 100
    /// Bytes of a request's body, on the public listener; the management listener takes ``messageBytes``.
    public static let requestBodyBytes = 64 * 1024
    /// `name=value` items in a handshake's query, and subprotocols that it offers.
    public static let queryItems = 32
    public static let subprotocols = 16
    /// Bytes of the management listener's token, which has to fit a field.
    public static let managementTokenBytes = 1...1024
    /// Bytes below which the log calls such a token easy to guess.
    public static let safeManagementTokenBytes = 16

    /// Rooms one connection may be in.
    public static let roomsPerConnection = 100
    /// Members listed in `joined`.
    public static let listedMembers = 200
    /// Users above which a room sends no presence frames.
    public static let presenceUsers = 1000
    /// Messages in `missed` and in one page of `history`.
    public static let historyPage = 300
    public static let historyPageDefault = 50
    /// Users in one page of `online`.
    public static let onlinePage = 1000
    public static let onlinePageDefault = 100

    /// How long a `clientMessageId` is remembered.
    public static let deduplication: Seconds = 600
    /// Messages a connection may send in one go, and per second after that.
    public static let rateBurst = 40
    public static let ratePerSecond = 20
    /// Connections whose rate one instance of a function remembers.
    public static let ratedConnections = 50_000
    /// Connections from one address to the local server; loopback is not counted.
    public static let connectionsPerAddress = 1000

    /// A connection younger than this may still be inside `$connect`: a 410 does not end it.
    public static let connectGrace: Seconds = 30
    /// When what a crashed handler left unpublished becomes the sweep's: later than any function's time-out (29 s).
    public static let publishGrace: Seconds = 45
    /// How late a leave may be published after the lease ended: on the local server, and on AWS.
    public static let ghostBoundLocal: Seconds = 60
    public static let ghostBoundAWS: Seconds = 180
    /// How long a row that is only history (an empty user, a former member's version) is kept.
    public static let garbageAge: Seconds = 86_400
    /// Attempts of an optimistic write before the caller is told to try again.
    public static let conflictAttempts = 64

    /// Shards of a tenant's connection index and of each minute of the lease wheel.
    public static let indexShards = 16
}

/// What a deployment may set.
public struct Settings: Sendable, Equatable {
    /// A connection's lease, from its last frame (`MUSTER_PRESENCE_TTL`).
    public var presenceTTL: Seconds = 600
    /// Live connections of one user (`MUSTER_MAX_CONNECTIONS_PER_USER`).
    public var connectionsPerUser = 20
    /// How long messages are kept; nil keeps them (`MUSTER_HISTORY_TTL`).
    public var historyTTL: Seconds?
    /// A connection's age at which the gateway closes it (API Gateway: two hours).
    public var maxConnectionAge: Seconds = 7200
    /// Origins a browser may connect from; nil allows all (`MUSTER_ALLOWED_ORIGINS`).
    public var allowedOrigins: AllowedOrigins?

    public init() {}

    /// Seconds between heartbeats of an idle client: two fit in a lease.
    public var heartbeatInterval: Seconds { Seconds(max(1, presenceTTL.count / 2)) }
    /// A lease is written again once this much of it is spent.
    public var renewalAge: Seconds { presenceTTL / 4 }
}
