/// When messages are sent.
public enum Pacing: Sendable, Equatable {
    /// So many messages per second over all rooms, at times fixed beforehand, whatever the server does.
    case open(perSecond: Double)
    /// Always so many messages of each room under way: the next leaves when every member has got an earlier one. For
    /// finding out what a server can do; its latencies hide stalls.
    case closed(outstanding: Int)
}

/// What a load test does.
public struct LoadPlan: Sendable {
    public var rooms: Int
    /// Connections in each room, every one of another user.
    public var members: Int
    public var pacing: Pacing
    /// Seconds of sending.
    public var duration: Double
    /// Seconds over which the connections are opened; nil: a second for every thousand.
    public var ramp: Double?
    /// Bytes of a message's body, at least ``Stamp/byteCount``.
    public var bodyBytes = 64
    /// How many members of a room take turns in sending; nil: all.
    public var senders: Int?
    /// Seconds that one connection may take to be let in.
    public var connectTimeout = 10.0
    /// Seconds without any progress after which what is still under way when the sending ends counts as lost, and likewise
    /// for presence to settle.
    public var drain = 10.0
    /// Local addresses to connect from; empty: what the kernel chooses, several on the loopback if one has too few ports.
    public var sources: [String] = []
    /// A PEM file of authorities for wss://; nil: the system's.
    public var authorities: String?
    /// Whether the last phase looks for ghosts in presence, of dialects that tell presence.
    public var checksPresence = true

    public init(rooms: Int, members: Int, pacing: Pacing, duration: Double) {
        precondition(rooms > 0 && members > 0 && duration >= 0, "a room, a member and a time")
        self.rooms = rooms
        self.members = members
        self.pacing = pacing
        self.duration = duration
    }

    public var connections: Int { rooms * members }
    var rampSeconds: Double { ramp ?? Double(connections) / 1000 }
}
