import ChatBroadcast
import ChatModel
import ChatStore
import Logs
import Tokens

/// What the handlers work with, made by a composition root.
public struct ChatServices: Sendable {
    let repository: ChatRepository
    let broadcaster: RoomBroadcaster
    let poster: any Poster
    /// Nil where no key is configured: then only a Lambda authorizer lets anyone in.
    let verifier: TokenVerifier?
    let settings: Settings
    let clock: any WallClock
    let random: any RandomSource
    let log: Log
    let identities = IdentityCache()

    public init(
        table: any Table, poster: any Poster, fanout: (any RoomFanout)? = nil, order: any FanoutOrder = Unordered(),
        verifier: TokenVerifier?, settings: Settings, clock: any WallClock = SystemClock(),
        random: any RandomSource = SystemRandom(), log: Log
    ) {
        repository = ChatRepository(table: table, settings: settings, random: random)
        broadcaster = RoomBroadcaster(
            repository: repository, fanout: fanout ?? TableFanout(repository, poster), poster: poster, order: order,
            clock: clock, log: log)
        self.poster = poster
        self.verifier = verifier
        self.settings = settings
        self.clock = clock
        self.random = random
        self.log = log
    }
}

extension ChatServices {
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
