import AWSClient
import ChatHandlers
import ChatModel
import ChatWire
import JSONCoding

/// The queue between a large room and `Fanout`: what it took comes at least once, sometimes again, until it was posted or was tried often.
final class SimulatedQueue {
    /// Fewer than the five of the redrive policy, so that the dead-letter queue is reached.
    private static let mostReceives = 3

    private unowned let world: World
    private var chance: Chance
    private var taken = 0

    init(_ world: World, _ chance: Chance) {
        self.world = world
        self.chance = chance
    }

    func take(_ body: String) {
        taken += 1
        receive(body, id: taken, count: 1)
    }

    private func receive(_ body: String, id: Int, count: Int) {
        world.executor.after(chance.below(count == 1 ? 200 : 30_000)) { [self] in
            let payload = SimulatedQueue.event(body, id: id, count: count)
            let now = world.now()
            world.functions.invoke("Fanout", .queue) { instance in
                let deadline = now + Seconds(29)
                return (try await Fanout(instance.services, poster: instance.direct).handle(payload, deadline: deadline), 200, nil)
            } done: { [self] invocation, outcome in
                let failed = outcome.map { String(decoding: $0.answer, as: UTF8.self).contains("itemIdentifier") } ?? true
                world.witness.worked(invocation, comesAgain: failed)
                if failed ? count < SimulatedQueue.mostReceives : count == 1 && world.strikes(\.deliveredAgain) {
                    receive(body, id: id, count: count + 1)
                } else if failed {
                    giveUp(body)
                }
            } over: { [world] in world.witness.finished(nil, $0) }
        }
    }

    /// What was tried often lies in the dead-letter queue: its receivers have missed something.
    private func giveUp(_ body: String) {
        guard let shard = try? FanoutShard(decoding: body) else { return }
        for connection in shard.connections { world.gateway.lose(connection.text) }
    }

    private static func event(_ body: String, id: Int, count: Int) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.name("Records")
        writer.beginArray()
        writer.beginObject()
        writer.member("messageId", "q\(id)")
        writer.name("attributes")
        writer.beginObject()
        writer.member("ApproximateReceiveCount", String(count))
        writer.endObject()
        writer.member("body", body)
        writer.endObject()
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }
}

/// The way of an instance to the queue: the one call of AWS that the simulated service makes.
///
/// `@unchecked`: confined to the run's thread.
final class QueueCaller: AWSCaller, @unchecked Sendable {
    private let world: World
    private let instance: Instance

    init(_ world: World, _ instance: Instance) {
        self.world = world
        self.instance = instance
    }

    func send(_ request: AWSRequest) async throws(AWSError) -> AWSResponse {
        await world.comeBack()
        guard !instance.isDead, let fields = (try? JSONParser.parse(request.body))?.object else { throw .timedOut }
        let fate = world.fate(isWrite: true, isTransaction: false)
        if fate != .fine { Invocation.current?.suffer() }
        if [.throttled, .unavailable, .conflict, .diesBefore].contains(fate) {
            if fate == .diesBefore { world.kill(instance) }
            throw .timedOut
        }
        var answer = JSONWriter()
        answer.beginObject()
        answer.name("Successful")
        answer.beginArray()
        for entry in fields["Entries"]?.array ?? [] {
            guard let id = entry.object?["Id"]?.string, let body = entry.object?["MessageBody"]?.string else { continue }
            world.queue.take(body)
            world.witness.queued(body, by: Invocation.current)
            answer.beginObject()
            answer.member("Id", id)
            answer.endObject()
        }
        answer.endArray()
        answer.endObject()
        if fate == .diesAfter { world.kill(instance) }
        await world.comeBack()
        guard !instance.isDead, fate != .answerLost else { throw .timedOut }
        return AWSResponse(status: 200, body: answer.bytes)
    }
}
