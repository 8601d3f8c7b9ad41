import ChatBroadcast
import ChatModel
import ChatWire
import Logs

/// `Fanout`: posts what a large room's fan-out left in the queue, a batch of shards at a time.
///
/// A record that comes again is posted again, whole: clients drop what they have by `seq` and version. What could not be
/// posted is reported, so that it comes again and at last goes to the dead-letter queue.
public struct Fanout: Sendable {
    /// No shard is begun with less time than this: its posts may each wait for their own deadline, and the answer has to leave.
    public static let reserve: Seconds = 8

    private let services: ChatServices
    private let poster: any Poster

    /// - Parameter poster: posts itself. The services' own may put what it is given into the queue.
    public init(_ services: ChatServices, poster: any Poster) {
        self.services = services
        self.poster = poster
    }

    /// - Parameter deadline: when the function times out.
    /// - Returns: `batchItemFailures`, the records to deliver again.
    /// - Throws: for an event that is no batch of a queue, of which nothing can be reported one by one.
    public func handle(_ payload: [UInt8], deadline: Timestamp?) async throws -> [UInt8] {
        let event: FanoutEvent
        do throws(EventError) {
            event = try FanoutEvent(decoding: payload)
        } catch {
            services.log.error("batch malformed", ["reason": error.message])
            throw error
        }
        let outcomes = await withTaskGroup(of: (Int, Outcome).self) { group in
            for (place, record) in event.records.enumerated() {
                group.addTask { (place, await post(record, deadline)) }
            }
            var outcomes = Array(repeating: Outcome(isDone: false), count: event.records.count)
            for await (place, outcome) in group { outcomes[place] = outcome }
            return outcomes
        }
        await services.broadcaster.endStale(distinct(outcomes.flatMap(\.gone)))
        return batchFailures(zip(event.records, outcomes).filter { !$1.isDone }.map(\.0.messageID))
    }

    private struct Outcome: Sendable {
        var isDone: Bool
        var gone: [ConnectionID] = []
    }

    private func post(_ record: FanoutEvent.Record, _ deadline: Timestamp?) async -> Outcome {
        let log = services.log.with(["messageId": record.messageID, "receiveCount": record.receiveCount])
        let shard: FanoutShard
        do throws(EventError) {
            shard = try record.shard.get()
        } catch {
            log.error("shard malformed", ["reason": error.message])
            return Outcome(isDone: false)
        }
        if let deadline, services.clock.now() + Fanout.reserve > deadline {
            log.warning("shard put off", ["reason": "the deadline is near", "connections": shard.connections.count])
            return Outcome(isDone: false)
        }
        let delivery = await poster.post(shard.frame, to: shard.connections)
        if !delivery.failed.isEmpty {
            log.warning("shard failed", ["failed": delivery.failed.count, "connections": shard.connections.count])
        }
        return Outcome(isDone: delivery.failed.isEmpty, gone: delivery.gone)
    }

    /// Several frames may have found one connection gone.
    private func distinct(_ connections: [ConnectionID]) -> [ConnectionID] {
        var seen: Set<ConnectionID> = []
        return connections.filter { seen.insert($0).inserted }
    }
}
