import ChatModel
import ChatStore
import JSONCoding

/// The names and values that the expressions of one request stand for: each once, numbered in the order of use, so that
/// no name is ever taken for a reserved word and one request has one text.
/// Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
struct Expressions {
    private var names: [String] = []
    private var values: [AttributeValue] = []

    /// `#0` for a name.
    mutating func name(_ name: String) -> String {
        if let place = names.firstIndex(where: { bytesEqual($0, name) }) { return "#\(place)" }
        names.append(name)
        return "#\(names.count - 1)"
    }

    /// `:0` for a value. Sets are not compared: two alike are rare.
    mutating func value(_ value: AttributeValue) -> String {
        if !value.isSet, let place = values.firstIndex(of: value) { return ":\(place)" }
        values.append(value)
        return ":\(values.count - 1)"
    }

    /// Writes what the placeholders stand for. DynamoDB refuses empty lists.
    func write(to json: inout JSONWriter) {
        if !names.isEmpty {
            json.name("ExpressionAttributeNames")
            json.beginObject()
            for (place, name) in names.enumerated() { json.member("#\(place)", name) }
            json.endObject()
        }
        guard !values.isEmpty else { return }
        json.name("ExpressionAttributeValues")
        json.beginObject()
        for (place, value) in values.enumerated() {
            json.name(":\(place)")
            json.attribute(value)
        }
        json.endObject()
    }

    /// The primary key and these.
    mutating func projection(_ attributes: [String]) -> String {
        (["PK", "SK"] + attributes.map { name($0) }).joined(separator: ",")
    }

    /// A condition expression that holds where ``Condition/holds(for:)`` does.
    mutating func condition(_ condition: Condition) -> String { text(condition, within: nil) }

    /// What binds an expression's parts. DynamoDB refuses parentheses that change nothing around another pair, so
    /// they are put only around parts of another expression.
    private enum Joint: String { case and = " AND ", or = " OR ", not = "NOT " }

    private mutating func text(_ condition: Condition, within outer: Joint?) -> String {
        switch condition {
        case .itemExists: return "attribute_exists(PK)"
        case .itemAbsent: return "attribute_not_exists(PK)"
        case .exists(let attribute): return "attribute_exists(\(name(attribute)))"
        case .absent(let attribute): return "attribute_not_exists(\(name(attribute)))"
        case .equals(let attribute, let value): return "\(name(attribute)) = \(self.value(value))"
        // Values of different types compare as false, as an absent one does.
        case .atMost(let attribute, let bound): return "\(name(attribute)) <= \(value(.number(bound)))"
        case .atLeast(let attribute, let bound): return "\(name(attribute)) >= \(value(.number(bound)))"
        // On a string DynamoDB looks for a part of it, and counts its bytes.
        case .contains(let attribute, let member):
            return set(attribute, "contains(\(name(attribute)), \(value(.string(member))))", within: outer)
        case .sizeEquals(let attribute, let count):
            return set(attribute, "size(\(name(attribute))) = \(value(.number(Int64(count))))", within: outer)
        case .sizeBelow(let attribute, let count):
            return set(attribute, "size(\(name(attribute))) < \(value(.number(Int64(count))))", within: outer)
        case .all(let parts): return joined(parts, .and, within: outer)
        case .any(let parts): return joined(parts, .or, within: outer)
        case .not(.not(let part)): return text(part, within: outer)
        case .not(let part):
            let negated = "NOT \(text(part, within: .not))"
            return outer == .not ? "(\(negated))" : negated
        }
    }

    private mutating func set(_ attribute: String, _ test: String, within outer: Joint?) -> String {
        let both = "attribute_type(\(name(attribute)), \(value(.string("SS")))) AND \(test)"
        return outer == nil || outer == .and ? both : "(\(both))"
    }

    private mutating func joined(_ parts: [Condition], _ joint: Joint, within outer: Joint?) -> String {
        switch parts.count {
        // There is no literal for true and false.
        case 0:
            return joined([.itemExists, .itemAbsent], joint == .and ? .or : .and, within: outer)
        case 1: return text(parts[0], within: outer)
        default:
            var result = text(parts[0], within: joint)
            for part in parts.dropFirst() {
                result += joint.rawValue
                result += text(part, within: joint)
            }
            return outer == nil || outer == joint ? result : "(\(result))"
        }
    }

    /// An update expression; nil without clauses, which DynamoDB takes for one that only makes the item.
    mutating func update(_ clauses: [UpdateClause]) -> String? {
        var (set, add, delete, remove) = ("", "", "", "")
        func append(_ part: String, to list: inout String, _ keyword: String) {
            list += list.isEmpty ? keyword : ", "
            list += part
        }
        for clause in clauses {
            switch clause {
            case .set(let attribute, let value): append("\(name(attribute)) = \(self.value(value))", to: &set, "SET ")
            case .add(let attribute, let amount): append("\(name(attribute)) \(value(.number(amount)))", to: &add, "ADD ")
            case .insert(let attribute, let members): append("\(name(attribute)) \(value(.strings(members)))", to: &add, "ADD ")
            case .delete(let attribute, let members):
                append("\(name(attribute)) \(value(.strings(members)))", to: &delete, "DELETE ")
            case .remove(let attribute): append(name(attribute), to: &remove, "REMOVE ")
            }
        }
        let lists = [set, add, delete, remove].filter { !$0.isEmpty }
        return lists.isEmpty ? nil : lists.joined(separator: " ")
    }

    /// A condition on the keys of a query.
    mutating func keyCondition(_ query: Query) -> String {
        let (pk, sk) = query.index.keyNames
        let partition = "\(pk) = \(value(.string(query.pk)))"
        switch query.range {
        case .all: return partition
        case .prefix(let prefix): return "\(partition) AND begins_with(\(sk), \(value(.string(prefix))))"
        case .between(let low, let high):
            return "\(partition) AND \(sk) BETWEEN \(value(.string(low))) AND \(value(.string(high)))"
        case .above(let low): return "\(partition) AND \(sk) > \(value(.string(low)))"
        case .below(let high): return "\(partition) AND \(sk) < \(value(.string(high)))"
        }
    }
}

extension AttributeValue {
    fileprivate var isSet: Bool {
        if case .strings = self { true } else { false }
    }
}
