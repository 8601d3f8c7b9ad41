import JSONCoding

/// What one successful call consumed of the table's capacity.
///
/// As DynamoDB counts: a read unit is a strong read of 4 KB, a write unit a write of 1 KB; transactions count double.
/// Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ConsumedCapacity.html
public struct ConsumedCapacity: Equatable, Sendable {
    public struct Units: Equatable, Sendable {
        public var read: Double
        public var write: Double

        public init(read: Double = 0, write: Double = 0) {
            self.read = read
            self.write = write
        }
    }

    /// DynamoDB's name for the call: `TransactWriteItems`.
    public var operation: String
    /// Without what the indexes took.
    public var table: Units
    /// By the index's name; only those that took something.
    public var indexes: [String: Units]

    public init(operation: String, table: Units, indexes: [String: Units] = [:]) {
        self.operation = operation
        self.table = table
        self.indexes = indexes
    }

    /// One for each table that the answer reports on. An answer without a report has none.
    static func all(in answer: JSONObject, of operation: Operation) -> [ConsumedCapacity] {
        guard let report = answer["ConsumedCapacity"] else { return [] }
        return (report.array ?? [report]).compactMap { $0.object.map { ConsumedCapacity($0, operation) } }
    }

    private init(_ report: JSONObject, _ operation: Operation) {
        var indexes: [String: Units] = [:]
        for member in report["GlobalSecondaryIndexes"]?.object?.members ?? [] {
            indexes[member.name] = member.value.object.map { Units($0, operation) }
        }
        var table: Units
        if let own = report["Table"]?.object {
            table = Units(own, operation)
        } else {
            let total = report.units("CapacityUnits") ?? 0
            let inIndexes = indexes.values.reduce(0) { $0 + $1.read + $1.write }
            table = operation.isRead ? Units(read: total - inIndexes) : Units(write: total - inIndexes)
        }
        self.init(operation: operation.rawValue, table: table, indexes: indexes)
    }
}

extension ConsumedCapacity.Units {
    /// Only transactions say which of the two they took; any other call takes its own kind.
    fileprivate init(_ report: JSONObject, _ operation: Operation) {
        let (read, write) = (report.units("ReadCapacityUnits"), report.units("WriteCapacityUnits"))
        if read != nil || write != nil {
            self.init(read: read ?? 0, write: write ?? 0)
        } else {
            let total = report.units("CapacityUnits") ?? 0
            self = operation.isRead ? .init(read: total) : .init(write: total)
        }
    }
}

extension JSONObject {
    fileprivate func units(_ name: String) -> Double? { self[name]?.number.flatMap { Double($0.text) } }
}
