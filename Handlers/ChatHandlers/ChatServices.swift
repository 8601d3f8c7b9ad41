import ChatBroadcast
import ChatModel
import ChatStore
import Logs
import Metrics

/// What the handlers work with, made by a composition root.
public final class ChatServices: Sendable {
    let repository: ChatRepository
    let broadcaster: RoomBroadcaster
    let rooms: any RoomDirectory
    let poster: any Poster
    let entrance: Entrance
    let settings: Settings
    let clock: any WallClock
    let random: any RandomSource
    let metrics: Metrics
    let log: Log
    let identities = IdentityCache()
    let rates: MessageRates

    /// Nil where no key is configured.
    var verifier: (any TokenJudge)? { entrance.verifier }

    /// - Parameters:
    ///   - rooms: nil: they are read from the table.
    ///   - pause: waits between attempts of a write that other processes keep overtaking; none where all write here.
    ///   - rateLimit: of a connection's messages; off where a gateway judges them before.
    ///   - marksPresence: false where a crash of the handlers takes every socket with it.
    public init(
        table: any Table, poster: any Poster, rooms: (any RoomDirectory)? = nil, order: any FanoutOrder = Unordered(),
        verifier: (any TokenJudge)?, settings: Settings, clock: any WallClock = SystemClock(),
        random: any RandomSource = SystemRandom(), rateLimit: RateLimit = .off, marksPresence: Bool = true,
        pause: @escaping @Sendable (_ conflicts: Int) async -> Void = { _ in }, metrics: Metrics = Metrics(), log: Log
    ) {
        repository = ChatRepository(
            table: table, settings: settings, random: random, marksPresence: marksPresence, pause: pause)
        self.rooms = rooms ?? TableRooms(repository, poster)
        broadcaster = RoomBroadcaster(
            repository: repository, rooms: self.rooms, poster: poster, order: order, clock: clock, metrics: metrics,
            log: log)
        self.poster = poster
        entrance = Entrance(verifier: verifier, allowedOrigins: settings.allowedOrigins)
        self.settings = settings
        self.clock = clock
        rates = MessageRates(rateLimit)
        self.random = random
        self.metrics = metrics
        self.log = log
    }
}

extension ChatServices {
    /// How to wait for rivals in other processes: full jitter, from 10 ms to a quarter of a second, about the time that a rival's
    /// write takes.
    public static let backOff: @Sendable (_ conflicts: Int) async -> Void = { conflicts in
        let most = min(250, 10 << min(conflicts, 10))
        try? await Task.sleep(for: .microseconds(Int.random(in: 0...most * 1000)))
    }

    /// Notes that every minute before now is swept: for an engine that has just emptied the wheel.
    public func beginSweeps() async throws(TableError) {
        try await repository.setSweptMinute(Keys.minute(of: clock.now()) - Sweep.settledMinutes)
    }

    /// Ends a connection whose engine died, also one that it had begun to end.
    public func endAfterCrash(_ id: ConnectionID) async throws(TableError) {
        guard let connection = try await repository.connection(id) else { return }
        try await broadcaster.clear(id, User(connection.tenantID, connection.userID))
    }
}
