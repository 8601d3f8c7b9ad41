/// The pure half of a write: from the actions and the stored items to what changes, or to why nothing does.
///
/// Embedded engines share it, so that they cannot differ in what a condition sees or an update makes.
public enum WritePlan {
    /// One change per action, in order; a check's is from the stored item to itself.
    ///
    /// - Parameter before: The stored item of each action, as all were before any action; nil too where
    ///   ``TransactAction/readsItem`` is false and the engine does not care.
    /// - Throws: `transactionFailed` with one outcome per action when a condition fails; `invalid` or `itemTooLarge` for
    ///   what an update would make. `TableRules.check` has judged the actions themselves before.
    public static func changes(of actions: [TransactAction], before: [Item?]) throws(TableError) -> [ItemChange] {
        precondition(actions.count == before.count, "one stored item per action")
        let outcomes = zip(actions, before).map { action, item in
            action.condition?.holds(for: item) ?? true ? TransactOutcome.held : .failed(item)
        }
        guard outcomes.allSatisfy({ $0 == .held }) else { throw .transactionFailed(outcomes) }
        var changes: [ItemChange] = []
        for (action, old) in zip(actions, before) {
            changes.append(ItemChange(old: old, new: try action.result(on: old)))
        }
        return changes
    }
}

extension TransactAction {
    /// The same write without a condition.
    public init(_ write: BatchWrite) {
        switch write {
        case .put(let item): self = .put(item, if: nil)
        case .delete(let key): self = .delete(key, if: nil)
        }
    }

    /// Whether the action depends on the stored item.
    public var readsItem: Bool {
        if case .update = self { true } else { condition != nil }
    }

    fileprivate func result(on item: Item?) throws(TableError) -> Item? {
        switch self {
        case .put(let new, _): return new
        case .delete: return nil
        case .check: return item
        case .update(let update):
            let new = try update.applied(to: item)
            try TableRules.check(new)
            return new
        }
    }
}

extension TableError {
    /// The error of a write that was planned as a transaction of one action.
    public var ofSingleWrite: TableError {
        if case .transactionFailed(let outcomes) = self, case .failed(let item) = outcomes.first {
            .conditionFailed(item)
        } else {
            self
        }
    }
}
