import ChatBroadcast
import ChatHandlers
import ChatModel
import ChatStore
import Gateway
import LocalServer
import MemoryTable

/// What `muster serve` makes of the handlers: everything in one process, rooms in memory, frames in the order of the commits. It dies
/// whole, and what it left is ended before it accepts anyone again.
///
/// `@unchecked`: confined to the run's thread.
final class LocalEngine: @unchecked Sendable {
    let instance: Instance
    /// Whether it accepts nobody: it is starting, or dead.
    private(set) var isDown = true

    private let world: World
    private let sockets: LocalSockets
    private let index: RoomIndex
    private let order: CommitOrder

    init(_ world: World, _ chance: Chance, number: Int) {
        self.world = world
        var chance = chance
        instance = Instance(number: number, skew: 0)
        sockets = LocalSockets(world, instance)
        index = RoomIndex(sockets)
        let epoch = ContinuousClock.now
        order = CommitOrder { [executor = world.executor] in epoch + .milliseconds(executor.now) }
        let poster = SimulatedPoster(world, instance)
        instance.equip(
            ChatServices(
                table: SimulatedTable(world, instance), poster: poster, rooms: index, order: order, verifier: world.keys,
                settings: world.scenario.settings, clock: InstanceClock(executor: world.executor, skew: 0),
                random: SeededRandom(chance.branch()), marksPresence: false, log: world.functions.log(instance)),
            direct: poster)
    }

    /// Called before a write is answered, as the table's feed is.
    func committed(_ changes: [ItemChange]) {
        guard !instance.isDead else { return }
        index.apply(changes)
        order.announce(changes)
    }

    func start() {
        let world = world
        world.executor.spawn { [self] in
            let table = FoundTable(table: SimulatedTable(world, instance), memory: world.memory)
            do throws(TableError) {
                try await LastRun(table: table, services: instance.services, log: world.functions.log(instance)).end()
                guard !instance.isDead else { return }
                world.trace.note { "the server accepts connections" }
                isDown = false
            } catch {
                world.trace.note { "the server does not start: \(error)" }
                world.executor.after(500) { world.functions.startServer() }
            }
        }
    }

    /// What the worker does beside sweeping.
    func tidy() { order.dropAbandoned(after: .seconds(5)) }

    func crash() {
        isDown = true
        world.kill(instance)
        world.gateway.dropAll()
        // Its tasks come to their ends, though nothing they do has an effect: no memory is left behind.
        world.executor.after(6000) { [self] in tidy() }
        world.executor.after(200 + world.chanceOfFault(below: 3000)) { [world] in world.functions.startServer() }
    }
}

/// The table as a server finds it: its keys in order.
private struct FoundTable: OrderedTable {
    let table: SimulatedTable
    let memory: MemoryTable

    func keys(inPartitionsFrom prefix: String, after: Key?, limit: Int) throws(TableError) -> [Key] {
        let all = memory.allItems().map(\.key).filter { $0.pk.utf8.starts(with: prefix.utf8) }
        return Array(all.filter { key in after.map { $0 < key } ?? true }.prefix(limit))
    }

    var appliesInOrder: Bool { table.appliesInOrder }
    func get(_ key: Key, strong: Bool) async throws(TableError) -> Item? { try await table.get(key, strong: strong) }
    func get(_ keys: [Key], strong: Bool) async throws(TableError) -> [Item] { try await table.get(keys, strong: strong) }
    func put(_ item: Item, if condition: Condition?) async throws(TableError) { try await table.put(item, if: condition) }
    func update(_ update: Update, returning: ReturnedImage) async throws(TableError) -> Item? {
        try await table.update(update, returning: returning)
    }
    func delete(_ key: Key, if condition: Condition?) async throws(TableError) -> Item? { try await table.delete(key, if: condition) }
    func query(_ query: Query) async throws(TableError) -> Page { try await table.query(query) }
    func write(_ writes: [BatchWrite]) async throws(TableError) { try await table.write(writes) }
    func transact(_ actions: [TransactAction]) async throws(TableError) { try await table.transact(actions) }
}

/// The server's sockets by topic, as its event loops have them.
///
/// `@unchecked`: confined to the run's thread.
private final class LocalSockets: RoomSockets, @unchecked Sendable {
    private let world: World
    private let instance: Instance
    private var members: [ObjectIdentifier: [ConnectionID]] = [:]

    init(_ world: World, _ instance: Instance) {
        self.world = world
        self.instance = instance
    }

    func makeTopic() -> Topic {
        let topic = Topic()
        members[ObjectIdentifier(topic)] = []
        return topic
    }

    func subscribe(_ id: ConnectionID, to topic: Topic) { members[ObjectIdentifier(topic)]?.append(id) }
    func unsubscribe(_ id: ConnectionID, from topic: Topic) { members[ObjectIdentifier(topic)]?.removeAll { $0 == id } }

    func publish(_ frame: [UInt8], to topic: Topic, except: ConnectionID?, moreFollows: Bool) {
        guard !instance.isDead else { return }
        let receivers = (members[ObjectIdentifier(topic)] ?? []).filter { $0 != except }
        let publication = world.witness.publishing(frame, by: Invocation.current)
        for id in receivers {
            world.witness.tried(id.text, publication)
            world.gateway.deliver(frame, to: id.text)
        }
    }
}
