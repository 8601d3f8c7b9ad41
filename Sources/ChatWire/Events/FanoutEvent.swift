import JSONCoding

/// What the `Fanout` function is invoked with: a batch of messages of the fan-out queue
/// (https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html).
public struct FanoutEvent: Equatable, Sendable {
    public struct Record: Equatable, Sendable {
        /// Names the record among its batch; partial failures are reported by it.
        public var messageID: String
        /// How often it was received, this time included; 1 where the queue does not say.
        public var receiveCount: Int
        /// What is to be posted, or what is wrong with it.
        public var shard: Result<FanoutShard, EventError>
    }

    public var records: [Record]

    /// Throws for what is no batch of a queue, and for a batch with a record that could not be reported: one without a
    /// `messageId`. Then the whole batch has to come again.
    public init(decoding payload: [UInt8]) throws(EventError) {
        guard let event = try? JSONParser.parse(payload, limits: JSONLimits(maxDepth: 64)) else {
            throw EventError("the event is no JSON")
        }
        guard let values = event.object?["Records"]?.array else { throw EventError("Records is missing") }
        var records: [Record] = []
        records.reserveCapacity(values.count)
        for value in values {
            guard let fields = value.object, let id = fields["messageId"]?.string, !id.isEmpty else {
                throw EventError("a record has no messageId")
            }
            let count = fields["attributes"]?.object?["ApproximateReceiveCount"]?.string.flatMap { Int($0) }
            records.append(Record(messageID: id, receiveCount: count ?? 1, shard: FanoutEvent.shard(fields)))
        }
        self.records = records
    }

    private static func shard(_ fields: JSONObject) -> Result<FanoutShard, EventError> {
        guard let body = fields["body"]?.string else { return .failure(EventError("body is missing")) }
        do throws(EventError) {
            return .success(try FanoutShard(decoding: body))
        } catch {
            return .failure(error)
        }
    }
}
