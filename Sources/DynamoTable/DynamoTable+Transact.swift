import ChatStore
import JSONCoding

extension DynamoTable {
    /// Does all or none. See ``Table/transact(_:)``.
    ///
    /// One token serves all tries of one call, so that whatever is repeated after a lost answer is done once.
    /// Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    public func transact(_ actions: [TransactAction]) async throws(TableError) {
        try TableRules.check(actions)
        for case .update(let update) in actions where update.clauses.isEmpty {
            throw .invalid("an update without clauses in a transaction")
        }
        let token = RequestToken.random()
        var fruitless = 0
        while true {
            do throws(TableError) {
                _ = try await calls.call(.transactWriteItems) { json in
                    json.member("ClientRequestToken", token)
                    json.name("TransactItems")
                    json.beginArray()
                    for action in actions { json.action(action, table: calls.name) }
                    json.endArray()
                }
                return
            } catch {
                switch error {
                case .transactionFailed(let outcomes): throw outcomes.withoutGuards(of: actions)
                case TableCalls.inProgress, .throttled:
                    fruitless += 1
                    try await backOff.wait(after: fruitless, or: error)
                default: throw error
                }
            }
        }
    }
}

enum RequestToken {
    /// 32 digits; DynamoDB takes 36 characters.
    static func random() -> String {
        var generator = SystemRandomNumberGenerator()
        let halves = [generator.next(), generator.next()].map { half in
            let digits = String(half, radix: 16)
            return String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }
        return halves.joined()
    }
}

extension [TransactOutcome] {
    /// The error that these outcomes are: an update whose own condition held and whose guard failed is no failed condition,
    /// and alone it makes the transaction an invalid one.
    fileprivate func withoutGuards(of actions: [TransactAction]) -> TableError {
        guard count == actions.count else { return .broken("TransactWriteItems", "has another number of reasons than actions") }
        var outcomes = self
        var refusal: TableError?
        for (place, action) in actions.enumerated() {
            guard case .update(let update) = action, case .failed(let item) = outcomes[place],
                let error = update.refusal(of: item)
            else { continue }
            outcomes[place] = .held
            refusal = refusal ?? error
        }
        if let refusal, outcomes.allSatisfy({ $0 == .held }) { return refusal }
        return .transactionFailed(outcomes)
    }
}
