import ChatStore
import JSONCoding

/// An item's attributes as a JSON object and back: a string is S, an integer is N, an array of strings is SS.
enum ItemCodec {
    static func encode(_ attributes: [String: AttributeValue]) -> [UInt8] {
        var json = JSONWriter(capacity: 256)
        json.beginObject()
        for (name, value) in attributes.sorted(by: { $0.key < $1.key }) {
            switch value {
            case .string(let text): json.member(name, text)
            case .number(let number): json.member(name, number)
            case .strings(let members): json.member(name, members.sorted())
            }
        }
        json.endObject()
        return json.bytes
    }

    /// Nil when the bytes are not what ``encode(_:)`` makes.
    static func decode(_ bytes: Span<UInt8>) -> [String: AttributeValue]? {
        guard let object = (try? JSONParser.parse(bytes))?.object else { return nil }
        var attributes: [String: AttributeValue] = [:]
        attributes.reserveCapacity(object.members.count)
        for member in object.members {
            guard let attribute = attribute(member.value) else { return nil }
            attributes[member.name] = attribute
        }
        return attributes
    }

    private static func attribute(_ value: JSONValue) -> AttributeValue? {
        switch value {
        case .string(let text): return .string(text)
        case .number(let number): return number.int64.map(AttributeValue.number)
        case .array(let elements):
            var members: Set<String> = []
            for element in elements {
                guard let member = element.string else { return nil }
                members.insert(member)
            }
            return .strings(members)
        default: return nil
        }
    }
}
