import ChatBroadcast
import ChatModel

/// `@connections` as an instance reaches it.
///
/// `@unchecked`: confined to the run's thread.
final class SimulatedPoster: Poster, @unchecked Sendable {
    private let world: World
    private let instance: Instance

    /// Whether what it posts comes out of the queue.
    private let isOutOfQueue: Bool

    init(_ world: World, _ instance: Instance, isOutOfQueue: Bool = false) {
        self.world = world
        self.instance = instance
        self.isOutOfQueue = isOutOfQueue
    }

    func post(_ frame: [UInt8], to connections: [ConnectionID]) async -> Delivery {
        guard !instance.isDead else { return Delivery() }
        let invocation = Invocation.current
        var delivery = Delivery()
        let publication = world.witness.publishing(frame, by: invocation, isOutOfQueue: isOutOfQueue)
        await pass()
        for id in connections {
            // The posts of a fan-out are under way together: who dies has sent some.
            if world.scenario.engine == .functions, world.strikes(\.dies) { world.kill(instance) }
            guard !instance.isDead else { return Delivery() }
            world.witness.tried(id.text, publication)
            if world.strikes(\.postFails) {
                invocation?.suffer()
                world.trace.note { "\(invocation?.name ?? "") ** a post to \(id.text) fails" }
                if world.chanceOfFault(below: 2) == 0 { world.gateway.deliver(frame, to: id.text) } else { world.gateway.lose(id.text) }
                if isOutOfQueue, let invocation { world.witness.unposted.insert(invocation.number) }
                delivery.failed.append(id)
            } else if !world.gateway.deliver(frame, to: id.text) {
                delivery.gone.append(id)
            }
        }
        await pass()
        return instance.isDead ? Delivery() : delivery
    }

    func close(_ connection: ConnectionID, _ code: ServerClose) async -> SocketClosing {
        await pass()
        guard !instance.isDead else { return .failed }
        return world.gateway.close(connection.text, code) ? .closed : .absent
    }

    /// The server's own sockets are no way off.
    private func pass() async {
        if world.scenario.engine == .functions { await world.comeBack() }
    }
}
