/// What must hold of the stored item for a write to happen: the part of DynamoDB's condition expressions that Muster uses.
///
/// A condition on an item that does not exist sees no attributes.
public indirect enum Condition: Equatable, Sendable {
    /// `attribute_exists(PK)`: the item itself exists.
    case itemExists
    /// `attribute_not_exists(PK)`.
    case itemAbsent
    case exists(String)
    case absent(String)
    /// Comparisons are false where the attribute is absent or of another type.
    case equals(String, AttributeValue)
    case atMost(String, Int64)
    case atLeast(String, Int64)
    /// `contains(set, member)`.
    case contains(String, String)
    /// `size(set)` compared; false where the set is absent.
    case sizeEquals(String, Int)
    case sizeBelow(String, Int)
    case all([Condition])
    case any([Condition])
    case not(Condition)

    public func holds(for item: Item?) -> Bool {
        switch self {
        case .itemExists: item != nil
        case .itemAbsent: item == nil
        case .exists(let name): item?[name] != nil
        case .absent(let name): item?[name] == nil
        case .equals(let name, let value): item?[name] == value
        case .atMost(let name, let bound): item?.number(name).map { $0 <= bound } ?? false
        case .atLeast(let name, let bound): item?.number(name).map { $0 >= bound } ?? false
        case .contains(let name, let member): item?.strings(name).contains(member) ?? false
        case .sizeEquals(let name, let count): Condition.size(item, name).map { $0 == count } ?? false
        case .sizeBelow(let name, let count): Condition.size(item, name).map { $0 < count } ?? false
        case .all(let parts): parts.allSatisfy { $0.holds(for: item) }
        case .any(let parts): parts.contains { $0.holds(for: item) }
        case .not(let part): !part.holds(for: item)
        }
    }

    private static func size(_ item: Item?, _ name: String) -> Int? {
        guard case .strings(let members) = item?[name] else { return nil }
        return members.count
    }
}
