import ChatStore

/// DynamoDB counts with 38 digits and would store what no ``AttributeValue`` can hold.
extension Update {
    /// The condition, and that no sum of an `ADD` passes 64 bits.
    var guardedCondition: Condition? {
        let guards = clauses.compactMap { clause -> Condition? in
            guard case .add(let name, let amount) = clause else { return nil }
            let fits: Condition = amount < 0 ? .atLeast(name, .min - amount) : .atMost(name, .max - amount)
            return .any([.absent(name), fits])
        }
        return guards.isEmpty ? condition : .all((condition.map { [$0] } ?? []) + guards)
    }

    /// What a failed condition means if it was a guard that failed and not the update's own: the error that the update
    /// makes of this item. Nil if the update's own condition failed.
    func refusal(of item: Item?) -> TableError? {
        guard condition?.holds(for: item) ?? true else { return nil }
        do throws(TableError) {
            _ = try applied(to: item)
        } catch {
            return error
        }
        return nil
    }
}
