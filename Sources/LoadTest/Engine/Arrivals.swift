/// Where a dialect tells what a payload was. Deliveries are booked at once; what the engine has to act on is kept until the
/// payload is read.
public final class Arrivals {
    /// What the engine acts on.
    enum Happening: Equatable {
        case joined(presence: Bool)
        case answer([UInt8])
        case interval(Int)
        case online(members: Int, more: Bool)
        case failed(String)
        /// Every member has a message of this room.
        case everywhere(room: Int)
    }

    var ledger: Ledger
    var presence: PresenceLedger
    var happenings: [Happening] = []
    /// The connection whose payload is read.
    var connection = 0
    /// When it arrived.
    var now: Int64 = 0
    /// When a message was scheduled, by its number among all.
    var scheduled: (Int) -> Int64 = { _ in 0 }
    private let reportsEverywhere: Bool

    init(ledger: Ledger, presence: PresenceLedger, reportsEverywhere: Bool) {
        self.ledger = ledger
        self.presence = presence
        self.reportsEverywhere = reportsEverywhere
    }

    /// The connection is in its room.
    public func joined(presence: Bool = false) { happenings.append(.joined(presence: presence)) }

    /// A message of the room, with the service's number for it in the room (0: it has none) and its body.
    public func message(seq: Int64, body: RawSpan) {
        guard let stamp = Stamp(body) else { return ledger.receivedForeign() }
        let isEverywhere = ledger.delivered(stamp, seq: seq, to: connection, at: now)
        if isEverywhere, reportsEverywhere { happenings.append(.everywhere(room: stamp.room)) }
    }

    /// The service has taken a message.
    public func acknowledged(_ message: Int) {
        ledger.acknowledged(message, scheduled: scheduled(message), at: now)
    }

    /// The service has refused a message, or something else if it names none.
    public func refused(_ message: Int?, code: String) { ledger.refused(message, code: code) }

    public func heardJoin(of connection: Int) { presence.heardJoin(self.connection, of: connection) }
    public func heardLeave(of connection: Int) { presence.heardLeave(self.connection, of: connection) }

    /// Who of this run is in the connection's room, itself included.
    public func online(members: Int, more: Bool) { happenings.append(.online(members: members, more: more)) }

    /// How often the service wants to hear of a connection, in seconds.
    public func advertised(interval: Int) { happenings.append(.interval(interval)) }

    /// Sends a message back at once, such as the answer to a question of the protocol.
    public func answer(_ payload: [UInt8]) { happenings.append(.answer(payload)) }

    /// The connection is of no use: it is closed.
    public func failed(_ reason: String) { happenings.append(.failed(reason)) }
}
