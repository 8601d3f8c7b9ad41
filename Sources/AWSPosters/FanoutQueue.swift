import AWSClient
import ChatModel
import ChatWire
import Logs

/// The queue of Amazon SQS between a large room and the `Fanout` function.
public struct FanoutQueue: Sendable {
    /// Requests in flight for one frame.
    static let concurrency = 8
    /// How long a request may take, tries and all: there has to be time left to post directly.
    static let timeout: Duration = .seconds(5)
    /// How often entries are sent that the queue failed to take; the requests themselves the caller tries again.
    static let attempts = 3
    /// The longest pause before the second attempt; before the third twice that.
    static let pause: Duration = .milliseconds(100)

    private let caller: any AWSCaller
    private let url: String
    private let random: any RandomSource
    private let wait: @Sendable (Duration) async -> Void
    private let log: Log

    /// - Parameters:
    ///   - url: `FANOUT_QUEUE_URL`. A standard queue: order does not matter, clients order by `seq`.
    ///   - wait: how an attempt waits for the next; tests do not.
    public init(
        caller: any AWSCaller, url: String, random: any RandomSource = SystemRandom(),
        wait: @escaping @Sendable (Duration) async -> Void = { try? await Task.sleep(for: $0) }, log: Log
    ) {
        self.caller = caller
        self.url = url
        self.random = random
        self.wait = wait
        self.log = log
    }

    /// Leaves a frame for its receivers in the queue.
    /// - Returns: the receivers in none of the shards that it took; of a request without an answer they may be in it all the same.
    func send(_ frame: [UInt8], to connections: [ConnectionID]) async -> [ConnectionID] {
        guard frame.count <= Limits.messageBytes else { return connections }
        let text = FanoutShard.text(of: frame)
        let batches = FanoutBatch.cut(connections, frameBytes: text.utf8.count)
        guard !batches.isEmpty else { return connections }
        let left = await withWorkers(FanoutQueue.concurrency, over: batches.count, finding: [Range<Int>]()) { place, left in
            left += await self.send(batches[place].shards) { FanoutShard.encode(text, connections[$0]) }
        }
        return left.flatMap(\.self).sorted { $0.lowerBound < $1.lowerBound }.flatMap { connections[$0] }
    }

    /// - Returns: the shards that the queue has not taken.
    private func send(_ shards: [Range<Int>], _ body: (Range<Int>) -> [UInt8]) async -> [Range<Int>] {
        var entries = shards.enumerated().map { (place: $0, body: body($1)) }
        var hopeless: [Int] = []
        var reason = ""
        for attempt in 1...FanoutQueue.attempts {
            if attempt > 1 { await backOff(attempt) }
            let request = AWSRequest.call(.sqs, target: "AmazonSQS.SendMessageBatch", FanoutBatch.request(queue: url, entries))
            do throws(AWSError) {
                let answer = FanoutBatchAnswer(decoding: try await AWSDeadline.within(FanoutQueue.timeout) { await caller.outcome(of: request) }.get().body)
                reason = answer.code ?? "the answer names no entry"
                hopeless += entries.map(\.place).filter(answer.hopeless.contains)
                entries.removeAll { answer.queued.contains($0.place) || answer.hopeless.contains($0.place) }
                if entries.isEmpty { break }
            } catch {
                // The caller has tried again as long as that was worth it.
                reason = "\(error)"
                break
            }
        }
        let left = (hopeless + entries.map(\.place)).sorted()
        if !left.isEmpty { log.error("shards not queued", ["count": left.count, "of": shards.count, "reason": reason]) }
        return left.map { shards[$0] }
    }

    /// Full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
    private func backOff(_ attempt: Int) async {
        var bits = RandomBits(random)
        await wait(FanoutQueue.pause * Double.random(in: 0...Double(attempt - 1), using: &bits))
    }
}
