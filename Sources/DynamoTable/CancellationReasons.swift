import ChatStore
import JSONCoding

/// Why a transaction was cancelled: one reason per action, in order.
/// Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
enum CancellationReasons {
    /// The one error that a caller gets for all reasons. Nothing was written, whichever it is.
    ///
    /// Outcomes are told only if all are known: an action that was in conflict or throttled was not judged, and to call it
    /// `held` would be to guess. So those come first, and the next try tells the conditions. An action that can never be
    /// done (its item too large, a wrong type) comes last: whoever is told of a failed condition thinks the action over.
    static func error(_ body: [UInt8]) -> TableError {
        guard let reasons = (try? JSONParser.parse(body))?.object?["CancellationReasons"]?.array, !reasons.isEmpty else {
            return .broken("TransactWriteItems", "is a cancellation without reasons")
        }
        var found = Found()
        for reason in reasons {
            do throws(TableError) {
                try found.take(reason)
            } catch {
                return error
            }
        }
        if let unknown = found.unknown { return .unavailable("a transaction was cancelled for \(unknown)") }
        if found.isThrottled { return .throttled }
        if found.isConflict { return .conflict }
        if found.outcomes.contains(where: { $0 != .held }) { return .transactionFailed(found.outcomes) }
        return found.refusal ?? .broken("TransactWriteItems", "is a cancellation that no action caused")
    }

    private struct Found {
        var outcomes: [TransactOutcome] = []
        var isThrottled = false
        var isConflict = false
        var refusal: TableError?
        var unknown: String?

        mutating func take(_ reason: JSONValue) throws(TableError) {
            var outcome = TransactOutcome.held
            switch reason.object?["Code"]?.string {
            case "None": break
            case "ConditionalCheckFailed":
                let stored = reason.object?["Item"]
                outcome = .failed(try stored.map { value throws(TableError) in try Item(value) })
            case "TransactionConflict": isConflict = true
            case "ThrottlingError", "ProvisionedThroughputExceeded": isThrottled = true
            case "ValidationError", "ItemCollectionSizeLimitExceeded":
                let message = reason.object?["Message"]?.string ?? ""
                let error = Failure.isTooLarge(message) ? .itemTooLarge : TableError.invalid("an action: \(Failure.harmless(message))")
                refusal = refusal ?? error
            case let other: unknown = unknown ?? String((other ?? "no reason").prefix(100))
            }
            outcomes.append(outcome)
        }
    }
}
