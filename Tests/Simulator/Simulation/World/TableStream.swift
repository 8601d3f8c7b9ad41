import ChatHandlers
import ChatModel
import ChatStore
import JSONCoding

/// The table's TTL and its stream: what expired is deleted sooner or much later, and records of that, and of much else, come to `Cleanup`
/// once or again.
final class TableStream {
    private unowned let world: World
    private var chance: Chance
    /// What has an end, by key.
    private var expiring: [Key: Int64] = [:]
    private var records = 0
    /// Seconds after its end that an item is deleted at the earliest, drawn anew for each round.
    private var isDeleting = false
    /// Whoever deletes for the TTL.
    static let timeToLive = "TTL"

    init(_ world: World, _ chance: Chance) {
        self.world = world
        self.chance = chance
    }

    func committed(_ changes: [ItemChange]) {
        guard world.scenario.engine == .functions else { return }
        for change in changes {
            if let item = change.new, let end = item.number("expiresAt") {
                expiring[item.key] = end
            } else if let item = change.new ?? change.old {
                expiring[item.key] = nil
            }
            // A stream has every change; the function's filter, and then the function, pass over most.
            if !world.isCalm, change.new == nil, let old = change.old, chance.isOne(in: 20) { deliver([old], isExpiry: false) }
        }
    }

    /// Deletes some of what expired, as DynamoDB does: when it gets round to it.
    func round() {
        let now = world.now().seconds
        let due = expiring.filter { $0.value <= now }.keys.sorted()
        for key in due where world.isCalm || chance.isOne(in: 4) { delete(key, now) }
    }

    private func delete(_ key: Key, _ now: Int64) {
        let delay = chance.below(chance.pick([100, 5000, 60_000, 400_000]))
        nonisolated(unsafe) let this = self
        world.executor.spawn { [world] in
            let deleted = try? await world.acting(nil) { () async throws(TableError) in
                try await world.memory.delete(key, if: .atMost("expiresAt", now))
            }
            guard let item = deleted ?? nil else { return }
            world.trace.note { "TTL deletes \(key.short)" }
            world.executor.after(delay) { this.deliver([item], isExpiry: true) }
        }
    }

    /// Brings records to the function, and those again that it could not do.
    private func deliver(_ items: [Item], isExpiry: Bool, triesLeft: Int = 10) {
        let numbers = items.indices.map { "\(records + $0)" }
        records += items.count
        let payload = TableStream.event(items, numbers, isExpiry: isExpiry)
        world.functions.invoke("Cleanup", .stream) { instance in
            (try await Cleanup(instance.services).handle(payload), 200, nil)
        } done: { [self] invocation, outcome in
            let failed = outcome.map { String(decoding: $0.answer, as: UTF8.self).contains("itemIdentifier") } ?? true
            if failed { world.witness.mustHaveSuffered(invocation, "the stream's records fail") }
            if failed, triesLeft > 0 {
                world.executor.after(1000 + chance.below(5000)) { self.deliver(items, isExpiry: isExpiry, triesLeft: triesLeft - 1) }
            } else if world.strikes(\.deliveredAgain) {
                world.executor.after(chance.below(100_000)) { self.deliver(items, isExpiry: isExpiry) }
            }
        } over: { [world] in world.witness.finished(nil, $0) }
    }

    private static func event(_ items: [Item], _ numbers: [String], isExpiry: Bool) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.name("Records")
        writer.beginArray()
        for (item, number) in zip(items, numbers) {
            writer.beginObject()
            writer.member("eventName", "REMOVE")
            if isExpiry {
                writer.name("userIdentity")
                writer.beginObject()
                writer.member("type", "Service")
                writer.member("principalId", "dynamodb.amazonaws.com")
                writer.endObject()
            }
            writer.name("dynamodb")
            writer.beginObject()
            writer.member("SequenceNumber", number)
            writer.name("OldImage")
            writer.beginObject()
            writer.typed("PK", .string(item.key.pk))
            writer.typed("SK", .string(item.key.sk))
            for attribute in item.attributes { writer.typed(attribute.name, attribute.value) }
            writer.endObject()
            writer.endObject()
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }
}

extension JSONWriter {
    /// An attribute as DynamoDB writes it.
    fileprivate mutating func typed(_ name: String, _ value: AttributeValue) {
        self.name(name)
        beginObject()
        switch value {
        case .string(let text): member("S", text)
        case .number(let number): member("N", String(number))
        case .strings(let members):
            self.name("SS")
            beginArray()
            for member in members.sorted() { string(member) }
            endArray()
        }
        endObject()
    }
}
