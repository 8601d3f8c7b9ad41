import ChatStore
import JSONCoding

/// Items as DynamoDB writes them, each value under the name of its type: `{"PK":{"S":"ROOM#…"},"seq":{"N":"7"}}`.
/// Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
extension JSONWriter {
    mutating func item(_ item: Item) {
        beginObject()
        keyMembers("PK", "SK", item.key)
        if let key = item.gsi1 { keyMembers("GSI1PK", "GSI1SK", key) }
        if let key = item.gsi2 { keyMembers("GSI2PK", "GSI2SK", key) }
        for member in item.attributes {
            name(member.name)
            attribute(member.value)
        }
        endObject()
    }

    mutating func key(_ key: Key) {
        beginObject()
        keyMembers("PK", "SK", key)
        endObject()
    }

    /// The two members of a key, in the table or in an index.
    mutating func keyMembers(_ pk: String, _ sk: String, _ key: Key) {
        name(pk)
        text(key.pk)
        name(sk)
        text(key.sk)
    }

    mutating func attribute(_ value: AttributeValue) {
        switch value {
        case .string(let string): text(string)
        case .number(let number):
            beginObject()
            member("N", String(number))
            endObject()
        case .strings(let members):
            beginObject()
            // Sorted, so that one request has one text.
            member("SS", members.sorted())
            endObject()
        }
    }

    private mutating func text(_ string: String) {
        beginObject()
        member("S", string)
        endObject()
    }
}

extension Item {
    /// - Throws: `unavailable` for what Muster never stores, naming the attribute and never its value.
    init(_ json: JSONValue) throws(TableError) {
        guard let object = json.object else { throw .unavailable("an item in an answer is not an object") }
        var keys = KeyTexts()
        var attributes = Attributes(capacity: object.members.count)
        for member in object.members {
            if try keys.take(member) { continue }
            attributes[member.name] = try AttributeValue(member.value, of: member.name)
        }
        guard let key = try keys.table.key("PK and SK") else { throw .unavailable("an item in an answer has no key") }
        self.init(key, gsi1: try keys.gsi1.key("GSI1PK and GSI1SK"), gsi2: try keys.gsi2.key("GSI2PK and GSI2SK"), attributes)
    }
}

/// The keys found among an item's attributes.
private struct KeyTexts {
    struct Pair {
        var pk: String?
        var sk: String?

        /// Nil if there is none.
        func key(_ names: String) throws(TableError) -> Key? {
            switch (pk, sk) {
            case (let pk?, let sk?): return Key(pk, sk)
            case (nil, nil): return nil
            default: throw .unavailable("an item in an answer has only one of \(names)")
            }
        }
    }

    var table = Pair()
    var gsi1 = Pair()
    var gsi2 = Pair()

    /// Whether the attribute is part of a key. Most names are told from a key's by their length.
    mutating func take(_ member: JSONObject.Member) throws(TableError) -> Bool {
        switch (member.name.utf8.count, member.name) {
        case (2, "PK"): table.pk = try text(member)
        case (2, "SK"): table.sk = try text(member)
        case (6, "GSI1PK"): gsi1.pk = try text(member)
        case (6, "GSI1SK"): gsi1.sk = try text(member)
        case (6, "GSI2PK"): gsi2.pk = try text(member)
        case (6, "GSI2SK"): gsi2.sk = try text(member)
        default: return false
        }
        return true
    }

    private func text(_ member: JSONObject.Member) throws(TableError) -> String {
        guard case .object(let value) = member.value, value.members.count == 1, value.members[0].name == "S",
            case .string(let text) = value.members[0].value
        else { throw .unavailable("\(member.name) in an answer is not a string") }
        return text
    }
}

extension AttributeValue {
    fileprivate init(_ json: JSONValue, of name: String) throws(TableError) {
        guard case .object(let value) = json, value.members.count == 1 else {
            throw .unavailable("attribute \(name) in an answer is not a value with its type")
        }
        let type = value.members[0]
        switch (type.name, type.value) {
        case ("S", .string(let text)): self = .string(text)
        case ("N", .string(let text)):
            // However DynamoDB writes it: 1000 may come as 1E+3.
            guard let number = Int64(text) ?? JSONNumber(text: text)?.int64 else {
                throw .unavailable("attribute \(name) in an answer is not a whole number of 64 bits")
            }
            self = .number(number)
        case ("SS", .array(let elements)):
            var strings: Set<String> = Set(minimumCapacity: elements.count)
            for element in elements {
                guard case .string(let text) = element else {
                    throw .unavailable("attribute \(name) in an answer is no set of strings")
                }
                strings.insert(text)
            }
            self = .strings(strings)
        default: throw .unavailable("attribute \(name) in an answer has the unknown type \(type.name.prefix(8))")
        }
    }
}

extension JSONObject {
    /// The item that a write was asked to return; nil if there was none.
    func imageOfAttributes() throws(TableError) -> Item? {
        guard let value = self["Attributes"], value.object?.members.isEmpty == false else { return nil }
        return try Item(value)
    }
}
