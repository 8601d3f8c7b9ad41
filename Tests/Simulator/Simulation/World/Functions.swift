import AWSPosters
import ChatBroadcast
import ChatHandlers
import ChatModel
import ChatStore
import ChatWire
import LocalServer
import Logs

/// Runs handlers: on Lambda, an event at a time in an instance that lives until chance kills it; or all in one server.
final class Functions {
    /// A handler's answer and the work after it.
    typealias Outcome = (answer: [UInt8], status: Int, afterward: (@Sendable () async -> Void)?)
    typealias Work = @Sendable (Instance) async throws -> Outcome

    /// How long a function may take.
    static let timeout = 29_000
    /// Instances of one function beyond which events are refused.
    private static let mostInstances = 12

    private unowned let world: World
    private var chance: Chance
    /// Instances that wait for an event, by function.
    private var idle: [String: [Instance]] = [:]
    private var instances = 0
    private(set) var invocations = 0
    /// The server, where there is one.
    private(set) var server: LocalEngine?
    /// Events in hand.
    private(set) var inHand: [Invocation] = []

    init(_ world: World, _ chance: Chance) {
        self.world = world
        self.chance = chance
    }

    /// Gives an event to a function.
    /// - Parameter done: called once, with the answer as it leaves, or nil if the function failed.
    func invoke(
        _ function: String, _ cause: Invocation.Cause, _ work: @escaping Work,
        done: @escaping (Invocation, Outcome?) -> Void, over: @escaping (Invocation) -> Void = { _ in }
    ) {
        invocations += 1
        let invocation = Invocation(
            number: invocations, function: function, cause: cause, startedAt: world.executor.now, startOrder: world.witness.order)
        guard !world.failsInvocation(), let instance = take(function) else {
            world.trace.note { "\(invocation.name) ** is not run" }
            invocation.suffer()
            invocation.isOver = true
            done(invocation, nil)
            return over(invocation)
        }
        inHand.append(invocation)
        instance.invocations.append(invocation)
        if world.scenario.engine == .functions {
            world.executor.after(Functions.timeout) { [world] in
                guard !invocation.isOver, !instance.isDead else { return }
                world.trace.note { "\(invocation.name) ** times out" }
                world.kill(instance)
            }
        }
        nonisolated(unsafe) let callbacks = (done: done, over: over)
        nonisolated(unsafe) let this = self
        world.executor.spawn {
            await Invocation.$current.withValue(invocation) {
                await this.run(invocation, on: instance, work, callbacks.done)
            }
            invocation.isOver = true
            this.inHand.removeAll { $0 === invocation }
            instance.invocations.removeAll { $0 === invocation }
            this.release(instance, function)
            callbacks.over(invocation)
        }
    }

    private func run(
        _ invocation: Invocation, on instance: Instance, _ work: Work, _ done: (Invocation, Outcome?) -> Void
    ) async {
        do {
            let outcome = try await work(instance)
            if world.diesNow() { world.kill(instance) }
            guard !instance.isDead else { return done(invocation, nil) }
            done(invocation, outcome)
            if world.diesNow() { world.kill(instance) }
            guard let afterward = outcome.afterward, !instance.isDead else { return }
            await afterward()
        } catch {
            world.trace.note { "\(invocation.name) fails: \(error)" }
            done(invocation, nil)
        }
    }

    private func take(_ function: String) -> Instance? {
        guard world.scenario.engine == .functions else {
            guard let server, !server.isDown else { return nil }
            return server.instance
        }
        while let instance = idle[function]?.popLast() {
            // Now and then one is not asked again.
            if !instance.isDead, !chance.isOne(in: 30) { return instance }
        }
        instances += 1
        let skew = world.scenario.skew
        let instance = Instance(number: instances, skew: Int64(skew == 0 ? 0 : chance.within(-skew...skew)))
        let direct = SimulatedPoster(world, instance)
        let poster: any Poster
        if let threshold = world.scenario.fanoutThreshold {
            let queue = FanoutQueue(
                caller: QueueCaller(world, instance), url: "queue", random: SeededRandom(chance.branch()),
                wait: { [executor = world.executor] _ in await executor.sleep(50) }, log: log(instance))
            poster = FanoutPoster(direct: direct, queue: queue, threshold: threshold, log: log(instance))
        } else {
            poster = direct
        }
        let pauses = SeededRandom(chance.branch())
        instance.equip(
            ChatServices(
                table: SimulatedTable(world, instance), poster: poster, verifier: world.keys, settings: world.scenario.settings,
                clock: InstanceClock(executor: world.executor, skew: instance.skew), random: SeededRandom(chance.branch()),
                pause: { [executor = world.executor] conflicts in
                    await executor.sleep(Int(pauses.next() % UInt64(min(250, 10 << min(conflicts, 10)))))
                }, log: log(instance)),
            direct: SimulatedPoster(world, instance, isOutOfQueue: true))
        return instance
    }

    private func release(_ instance: Instance, _ function: String) {
        guard world.scenario.engine == .functions, !instance.isDead else { return }
        idle[function, default: []].append(instance)
    }

    func log(_ instance: Instance) -> Log {
        guard world.trace.isOn else { return .silent }
        let world: World = world
        return Log(level: .debug, clock: { 0 }) { line in
            world.trace.note {
                let text = String(decoding: line.dropLast(), as: UTF8.self)
                return "\(Invocation.current?.name ?? "server") logs: \(text.drop { $0 != " " }.dropFirst())"
            }
        }
    }

    // MARK: - The server

    /// Starts the one server, or starts it again after a crash.
    func startServer() {
        let server = LocalEngine(world, chance.branch(), number: instances)
        instances += 1
        self.server = server
        server.start()
    }

    /// Lets go of everything, which refers to each other.
    func dissolve() {
        idle = [:]
        server = nil
    }

    func committed(_ changes: [ItemChange]) { server?.committed(changes) }
}
