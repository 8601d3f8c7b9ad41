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

    /// What became of the item.
    public enum Change: String, Sendable { case insert = "INSERT", modify = "MODIFY", remove = "REMOVE" }

    /// Names the record among its batch; partial failures are reported by it.
    public var sequenceNumber: String?
    /// Nil for what is no record of a table's stream.
    public var change: Change?
    /// The item's key; nil where the record has none.
    public var partition: String?
    public var sort: String?
    /// Whether DynamoDB's TTL deleted the item, and not somebody's DeleteItem.
    public var isExpiry: Bool
    /// The item as it was, its keys among its attributes; empty if the stream has no old images.
    public var oldImage: [String: Value]

    init(_ record: JSONObject) {
        let details = record["dynamodb"]?.object
        let identity = record["userIdentity"]?.object
        sequenceNumber = details?["SequenceNumber"]?.string
        change = record["eventName"]?.string.flatMap(Change.init(rawValue:))
        isExpiry =
            change == .remove && identity?["type"]?.string == "Service"
            && identity?["principalId"]?.string == "dynamodb.amazonaws.com"
        oldImage = [:]
        for member in details?["OldImage"]?.object?.members ?? [] {
            if let value = member.value.object.flatMap(Value.init) { oldImage[member.name] = value }
        }
        let keys = details?["Keys"]?.object ?? details?["OldImage"]?.object
        partition = keys?["PK"]?.object?["S"]?.string
        sort = keys?["SK"]?.object?["S"]?.string
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
