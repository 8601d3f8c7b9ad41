import ChatStore
import JSONCoding

/// An item's attributes as a JSON object and back: a string is S, an integer is N, an array of strings is SS.
enum ItemCodec {
    static func encode(_ attributes: Attributes, into json: inout JSONWriter) {
        json.beginObject()
        for attribute in attributes {
            switch attribute.value {
            case .string(let text): json.member(attribute.name, text)
            case .number(let number): json.member(attribute.name, number)
            case .strings(let members): json.member(attribute.name, members.sorted())
            }
        }
        json.endObject()
    }

    /// Nil when the bytes are not what ``encode(_:into:)`` makes.
    static func decode(_ bytes: Span<UInt8>) -> Attributes? {
        guard let object = (try? JSONParser.parse(bytes))?.object else { return nil }
        var attributes = Attributes(capacity: object.members.count)
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
