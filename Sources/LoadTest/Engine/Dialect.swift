import HTTPCodec
import WebSocketCodec

/// How one service is spoken to: the engine knows WebSockets, schedules and accounts, a dialect knows the payloads.
///
/// Connections are indices: connection `c` is member `c % members` of room `c / members`. Everything is called on the
/// engine's thread.
public protocol Dialect: AnyObject {
    /// What messages are sent in.
    var opcode: WebSocketOpcode { get }
    /// Whether the sending connection gets its own message back like everyone else.
    var echoes: Bool { get }
    /// Whether the service answers a message; else a message counts as acknowledged when it is sent.
    var acknowledges: Bool { get }
    /// Whether presence is told, and ``online(_:)`` answered.
    var tellsPresence: Bool { get }

    /// What a connection asks for in its opening handshake.
    func opening(_ connection: Int) -> Opening
    /// What a connection says first. It is in its room when ``Arrivals/joined(presence:)`` is called.
    func greeting(_ connection: Int) -> [[UInt8]]
    /// One message to the connection's room. What answers it names its number.
    func publication(_ connection: Int, message number: Int, body: [UInt8]) -> [UInt8]
    /// Reads one message of the service and tells `arrivals` what it is. This is the hot path.
    func read(_ payload: RawSpan, _ connection: Int, _ arrivals: Arrivals)
    /// Keeps an idle connection alive; asked for at the interval that ``Arrivals/advertised(interval:)`` was told.
    func heartbeat(_ connection: Int) -> [UInt8]?
    /// Asks who is in the connection's room.
    func online(_ connection: Int) -> [UInt8]?
}

extension Dialect {
    public var opcode: WebSocketOpcode { .text }
    public var echoes: Bool { false }
    public var acknowledges: Bool { true }
    public var tellsPresence: Bool { false }
    public func heartbeat(_ connection: Int) -> [UInt8]? { nil }
    public func online(_ connection: Int) -> [UInt8]? { nil }
}

/// A connection's opening handshake.
public struct Opening: Sendable {
    /// Path and query.
    public var target: String
    public var fields: HTTPFields
    public var subprotocols: [String]

    public init(target: String, fields: HTTPFields = [:], subprotocols: [String] = []) {
        self.target = target
        self.fields = fields
        self.subprotocols = subprotocols
    }
}
