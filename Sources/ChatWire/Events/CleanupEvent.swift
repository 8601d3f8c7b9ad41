import JSONCoding

/// What the `Cleanup` function is invoked with: records of the table's stream, or anything else, which is a sweep.
public enum CleanupEvent: Equatable, Sendable {
    case sweep
    case records([StreamRecord])

    public init(decoding payload: [UInt8]) throws(EventError) {
        guard let event = try? JSONParser.parse(payload, limits: JSONLimits(maxDepth: 64)) else {
            throw EventError("the event is no JSON")
        }
        guard let records = event.object?["Records"]?.array else {
            self = .sweep
            return
        }
        self = .records(records.map { StreamRecord($0.object ?? JSONObject([])) })
    }
}

/// A change of one item, as DynamoDB Streams reports it
/// (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html).
public struct StreamRecord: Equatable, Sendable {
    public enum Value: Equatable, Sendable {
        case string(String)
        case number(Int64)
        case strings([String])
    }

    /// Names the record among its batch; partial failures are reported by it.
    public var sequenceNumber: String?
    /// Whether DynamoDB's TTL deleted the item, and not somebody's DeleteItem.
    public var isExpiry: Bool
    /// The item as it was, its keys among its attributes.
    public var oldImage: [String: Value]

    init(_ record: JSONObject) {
        let change = record["dynamodb"]?.object
        let identity = record["userIdentity"]?.object
        sequenceNumber = change?["SequenceNumber"]?.string
        isExpiry =
            record["eventName"]?.string == "REMOVE" && identity?["type"]?.string == "Service"
            && identity?["principalId"]?.string == "dynamodb.amazonaws.com"
        oldImage = [:]
        for member in change?["OldImage"]?.object?.members ?? [] {
            if let value = member.value.object.flatMap(Value.init) { oldImage[member.name] = value }
        }
    }
}

extension StreamRecord.Value {
    /// DynamoDB's JSON of one attribute: `{"S": "…"}`, `{"N": "42"}`, `{"SS": ["…"]}`. Nil for other types.
    init?(_ typed: JSONObject) {
        if let text = typed["S"]?.string {
            self = .string(text)
        } else if let number = typed["N"]?.string.flatMap({ Int64($0) }) {
            self = .number(number)
        } else if let members = typed["SS"]?.array {
            self = .strings(members.compactMap(\.string))
        } else {
            return nil
        }
    }
}

/// What a function answers for a batch of which some records are to be delivered again
/// (https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html).
public func batchFailures(_ identifiers: [String]) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.name("batchItemFailures")
    writer.beginArray()
    for identifier in identifiers {
        writer.beginObject()
        writer.member("itemIdentifier", identifier)
        writer.endObject()
    }
    writer.endArray()
    writer.endObject()
    return writer.bytes
}
