/// The pure half of a write: from the stored items and the actions to what changes, or to why nothing does.
///
/// Embedded engines share it, so that they cannot differ in what a condition sees or an update makes.
public enum WritePlan {
    /// One change per action, in order; a check's is from the stored item to itself.
    ///
    /// Every condition is evaluated on the items as they were before any action. An action that needs no stored item
    /// (no condition, not an update) has `stored` called only if `fetchingAll`; else its `old` is nil.
    /// - Throws: `transactionFailed` with one outcome per action, `invalid` or `itemTooLarge` for what an update would
    ///   make, and what `stored` throws. `TableRules.check` has judged the actions themselves before.
    public static func changes(
        of actions: [TransactAction], fetchingAll: Bool, stored: (Key) throws(TableError) -> Item?
    ) throws(TableError) -> [ItemChange] {
        var before: [Item?] = []
        var outcomes: [TransactOutcome] = []
        for action in actions {
            let item = fetchingAll || action.readsItem ? try stored(action.key) : nil
            before.append(item)
            outcomes.append(action.condition?.holds(for: item) ?? true ? .held : .failed(item))
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
    private var isUpdate: Bool {
        if case .update = self { true } else { false }
    }

    fileprivate var readsItem: Bool { condition != nil || isUpdate }

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
