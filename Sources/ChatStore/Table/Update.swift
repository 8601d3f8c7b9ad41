/// One clause of an update expression. An update of an item that does not exist creates it, unless its condition forbids.
public enum UpdateClause: Equatable, Sendable {
    /// `SET name = value`.
    case set(String, AttributeValue)
    /// `ADD name :number`; an absent attribute counts as 0.
    case add(String, Int64)
    /// `ADD name :set`.
    case insert(String, Set<String>)
    /// `DELETE name :set`; a set emptied is absent.
    case delete(String, Set<String>)
    /// `REMOVE name`.
    case remove(String)

    func apply(to item: inout Item) throws(TableError) {
        switch self {
        case .set(let name, let value): item[name] = value
        case .add(let name, let amount):
            guard item[name] == nil || item.number(name) != nil else { throw .invalid("ADD to \(name), not a number") }
            let (sum, overflow) = (item.number(name) ?? 0).addingReportingOverflow(amount)
            guard !overflow else { throw .invalid("ADD to \(name) overflows") }
            item[name] = .number(sum)
        case .insert(let name, let members):
            guard item[name] == nil || item.isSet(name) else { throw .invalid("ADD to \(name), not a set") }
            item[name] = .strings(item.strings(name).union(members))
        case .delete(let name, let members):
            guard item[name] == nil || item.isSet(name) else { throw .invalid("DELETE from \(name), not a set") }
            let rest = item.strings(name).subtracting(members)
            item[name] = rest.isEmpty ? nil : .strings(rest)
        case .remove(let name): item[name] = nil
        }
    }

    var name: String {
        switch self {
        case .set(let name, _), .add(let name, _), .insert(let name, _), .delete(let name, _), .remove(let name): name
        }
    }
}

extension Item {
    fileprivate func isSet(_ name: String) -> Bool {
        if case .strings = self[name] { true } else { false }
    }
}

/// Changes to one item, made if `condition` holds. Index keys cannot be updated: they never change in Muster.
public struct Update: Equatable, Sendable {
    public var key: Key
    public var clauses: [UpdateClause]
    public var condition: Condition?

    public init(_ key: Key, _ clauses: [UpdateClause], if condition: Condition? = nil) {
        self.key = key
        self.clauses = clauses
        self.condition = condition
    }

    /// The item as it is after the update.
    public func applied(to item: Item?) throws(TableError) -> Item {
        var result = item ?? Item(key)
        for clause in clauses { try clause.apply(to: &result) }
        return result
    }
}
