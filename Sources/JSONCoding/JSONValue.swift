/// Any JSON document, as RFC 8259 names its parts.
///
/// Equality is by UTF-8 bytes, unlike Swift's `String`: "é" and "e" followed by U+0301 are two strings, because
/// two peers that compare bytes must not be told that they are one. Numbers compare by their text (`1.0` is not `1`),
/// and objects by their members in order.
public enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
}

extension JSONValue: Equatable {
    public static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.number(let left), .number(let right)): left == right
        case (.string(let left), .string(let right)): left.hasSameUTF8(as: right)
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        default: false
        }
    }
}

extension JSONValue {
    /// The string, or nil for a value of another kind.
    public var string: String? {
        if case .string(let string) = self { string } else { nil }
    }

    /// The number, or nil for a value of another kind.
    public var number: JSONNumber? {
        if case .number(let number) = self { number } else { nil }
    }

    /// The number as an exact integer, or nil for another kind, a fraction, or one out of range.
    public var int64: Int64? { number?.int64 }

    /// The boolean, or nil for a value of another kind.
    public var bool: Bool? {
        if case .bool(let bool) = self { bool } else { nil }
    }

    /// The elements, or nil for a value of another kind.
    public var array: [JSONValue]? {
        if case .array(let array) = self { array } else { nil }
    }

    /// The object, or nil for a value of another kind.
    public var object: JSONObject? {
        if case .object(let object) = self { object } else { nil }
    }

    /// Whether this is the literal `null`.
    public var isNull: Bool {
        if case .null = self { true } else { false }
    }
}

extension String {
    /// Whether both strings are the same bytes, where `==` asks for canonical equivalence.
    func hasSameUTF8(as other: String) -> Bool {
        guard utf8.count == other.utf8.count else { return false }
        let left = utf8.span
        let right = other.utf8.span
        for index in left.indices where left[index] != right[index] { return false }
        return true
    }
}
