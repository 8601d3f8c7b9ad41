import AWSClient
import ChatStore
import JSONCoding

/// What is asked of DynamoDB.
enum Operation: String, Sendable {
    case getItem = "GetItem"
    case batchGetItem = "BatchGetItem"
    case query = "Query"
    case putItem = "PutItem"
    case updateItem = "UpdateItem"
    case deleteItem = "DeleteItem"
    case batchWriteItem = "BatchWriteItem"
    case transactWriteItems = "TransactWriteItems"

    var isRead: Bool {
        switch self {
        case .getItem, .batchGetItem, .query: true
        default: false
        }
    }

    /// Whether the request is about one table as a whole; the others name theirs with each item.
    fileprivate var namesTable: Bool {
        switch self {
        case .batchGetItem, .batchWriteItem, .transactWriteItems: false
        default: true
        }
    }
}

/// Calls about one table: the one place where a request is sent, its errors are mapped and its answer is read.
struct TableCalls: Sendable {
    let caller: any AWSCaller
    let name: String
    let region: String?
    let onCapacity: (@Sendable (ConsumedCapacity) -> Void)?

    /// - Parameter write: writes the members of the request but those that all of a kind have.
    /// - Returns: the answer.
    func call(_ operation: Operation, _ write: (inout JSONWriter) -> Void) async throws(TableError) -> JSONObject {
        var json = JSONWriter(capacity: 1024)
        json.beginObject()
        if operation.namesTable { json.member("TableName", name) }
        write(&json)
        if onCapacity != nil { json.member("ReturnConsumedCapacity", "INDEXES") }
        json.endObject()
        return try await send(operation, json.bytes)
    }

    private func send(_ operation: Operation, _ body: [UInt8]) async throws(TableError) -> JSONObject {
        let response: AWSResponse
        do throws(AWSError) {
            response = try await caller.send(.call(.dynamoDB, target: "DynamoDB_20120810.\(operation.rawValue)", body))
        } catch {
            throw Failure(operation: operation, table: name, region: region).error(of: error)
        }
        // Of a write too: a proxy that answers 200 with a page of its own has stored nothing.
        guard let parsed = try? JSONParser.parse(response.body), let answer = parsed.object else {
            throw .broken(operation.rawValue, "is not a JSON object")
        }
        if let onCapacity { ConsumedCapacity.all(in: answer, of: operation).forEach(onCapacity) }
        return answer
    }
}

extension TableError {
    /// An answer that DynamoDB does not give. A write that it answers may have been done.
    static func broken(_ operation: String, _ what: String) -> TableError {
        .unavailable("the answer to \(operation) \(what)")
    }
}
