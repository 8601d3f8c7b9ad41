import ChatStore

/// What only a table on this machine can do.
extension SQLiteTable {
    /// One page of keys in primary-key order, of partitions whose key starts with `prefix`: a server at its start finds
    /// what the last run left. An engine without ordered partitions has no such scan.
    /// - Parameter after: The last key of the page before.
    public func keys(inPartitionsFrom prefix: String, after: Key?, limit: Int) throws(TableError) -> [Key] {
        guard limit > 0 else { throw .invalid("limit below 1") }
        return try read { rows throws(StepError) in
            try rows.keys(inPartitionsFrom: prefix, after: after, limit: limit)
        }
    }

    /// Deletes items whose `expiresAt` is below `seconds` since the epoch, oldest first: what DynamoDB's TTL does by itself.
    /// - Returns: How many it deleted; `limit` when there may be more.
    public func deleteExpired(before seconds: Int64, limit: Int) async throws(TableError) -> Int {
        guard limit > 0 else { throw .invalid("limit below 1") }
        return try await submit(.expiry(before: seconds, limit: limit)).count
    }
}
