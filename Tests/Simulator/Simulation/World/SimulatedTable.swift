import ChatModel
import ChatStore
import MemoryTable

/// The way of one instance to the table: every call takes time, may fail before or after it took effect, and may be the last thing
/// the instance does.
///
/// `@unchecked`: confined to the run's thread.
final class SimulatedTable: Table, @unchecked Sendable {
    private let world: World
    private let instance: Instance
    private let memory: MemoryTable

    init(_ world: World, _ instance: Instance) {
        self.world = world
        self.instance = instance
        memory = world.memory
    }

    /// The server's one writer keeps the order.
    var appliesInOrder: Bool { world.scenario.engine == .server }

    func get(_ key: Key, strong: Bool) async throws(TableError) -> Item? {
        try await call("get", { key.short }) { memory throws(TableError) in try await memory.get(key, strong: strong) }
    }

    func get(_ keys: [Key], strong: Bool) async throws(TableError) -> [Item] {
        try await call("get", { keys.map(\.short).joined(separator: ", ") }) { memory throws(TableError) in
            try await memory.get(keys, strong: strong)
        }
    }

    func query(_ query: Query) async throws(TableError) -> Page {
        // Nearly all buckets that a sweep reads are empty: nothing can happen meanwhile that would matter.
        if world.isEmptyBucket(query.pk), !instance.isDead { return Page(items: [], next: nil) }
        return try await call("query", { query.pk }) { memory throws(TableError) in try await memory.query(query) }
    }

    func put(_ item: Item, if condition: Condition?) async throws(TableError) {
        try await call("put", { item.key.short }, isWrite: true) { memory throws(TableError) in
            try await memory.put(item, if: condition)
        }
    }

    func update(_ update: Update, returning: ReturnedImage) async throws(TableError) -> Item? {
        try await call("update", { update.key.short }, isWrite: true) { memory throws(TableError) in
            try await memory.update(update, returning: returning)
        }
    }

    func delete(_ key: Key, if condition: Condition?) async throws(TableError) -> Item? {
        try await call("delete", { key.short }, isWrite: true) { memory throws(TableError) in
            try await memory.delete(key, if: condition)
        }
    }

    func write(_ writes: [BatchWrite]) async throws(TableError) {
        try await call("write", { "\(writes.count) rows" }, isWrite: true) { memory throws(TableError) in
            try await memory.write(writes)
        }
    }

    func transact(_ actions: [TransactAction]) async throws(TableError) {
        try await call("transact", { actions.map(\.key.short).joined(separator: ", ") }, isWrite: true, isTransaction: true) {
            memory throws(TableError) in try await memory.transact(actions)
        }
    }

    private func call<Value: Sendable>(
        _ name: String, _ what: () -> String, isWrite: Bool = false, isTransaction: Bool = false,
        _ body: @escaping @Sendable (MemoryTable) async throws(TableError) -> Value
    ) async throws(TableError) -> Value {
        guard !instance.isDead else { throw .unavailable("the process is dead") }
        let invocation = Invocation.current
        let fate = world.fate(isWrite: isWrite, isTransaction: isTransaction)
        if fate != .fine { invocation?.suffer() }
        world.trace.note { "\(invocation?.name ?? "server") \(name) \(what())\(fate == .fine ? "" : "  ** \(fate)")" }
        await world.pass(fate, isWrite: isWrite)
        guard !instance.isDead else { throw .unavailable("the process is dead") }
        switch fate {
        case .throttled: throw .throttled
        case .unavailable: throw .unavailable("simulated")
        case .conflict: throw .conflict
        case .diesBefore:
            world.kill(instance)
            throw .unavailable("the process is dead")
        case .effectLate:
            world.later(invocation) { [memory] in _ = try? await body(memory) }
            throw .unavailable("simulated")
        case .repeated: _ = try? await world.acting(invocation) { () async throws(TableError) in try await body(memory) }
        case .fine, .slow, .answerLost, .diesAfter: break
        }
        let result: Result<Value, TableError>
        do throws(TableError) {
            result = .success(try await world.acting(invocation) { () async throws(TableError) in try await body(memory) })
        } catch {
            result = .failure(error)
        }
        switch fate {
        case .diesAfter:
            world.kill(instance)
            throw .unavailable("the process is dead")
        case .answerLost: throw .unavailable("simulated")
        default: break
        }
        await world.comeBack()
        guard !instance.isDead else { throw .unavailable("the process is dead") }
        if case .failure(let error) = result { world.trace.note { "\(invocation?.name ?? "server") \(name) \(what()): \(error)" } }
        return try result.get()
    }
}

/// What becomes of a call.
enum Fate: Equatable {
    case fine, throttled, unavailable, answerLost, effectLate, repeated, conflict, slow, diesBefore, diesAfter
}

extension Key {
    var short: String { sk == Keys.meta ? pk : "\(pk) \(sk)" }
}
