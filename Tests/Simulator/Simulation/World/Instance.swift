import ChatBroadcast
import ChatHandlers
import ChatModel
import Logs
import Tokens

/// One process that handlers run in: a function's instance, or the server.
///
/// `@unchecked`: confined to the run's thread.
final class Instance: @unchecked Sendable {
    let number: Int
    /// What its clock is ahead, in milliseconds.
    let skew: Int64
    private(set) var isDead = false
    /// Events that it works at.
    var invocations: [Invocation] = []
    private(set) var services: ChatServices!
    private(set) var router: HandlerRouter!
    /// Posts without the queue, for `Fanout`.
    private(set) var direct: (any Poster)!

    init(number: Int, skew: Int64) {
        self.number = number
        self.skew = skew
    }

    func equip(_ services: ChatServices, direct: any Poster) {
        self.services = services
        self.direct = direct
        router = HandlerRouter(services)
    }

    /// Nothing it does after this has an effect, and nobody hears of it.
    func die() {
        isDead = true
        for invocation in invocations { invocation.suffer() }
    }
}

/// The run's time as an instance's clock shows it. Begins off a whole second, where rounding shows.
struct InstanceClock: WallClock {
    static let start = Timestamp(milliseconds: 1_800_000_000_400)

    let executor: SeededExecutor
    let skew: Int64

    func now() -> Timestamp { Timestamp(milliseconds: InstanceClock.start.milliseconds + executor.now + skew) }
}
