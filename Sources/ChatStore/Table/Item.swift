import ChatModel

/// One attribute of an item: the DynamoDB types that Muster uses (S, N as an integer, SS).
public enum AttributeValue: Sendable {
    case string(String)
    case number(Int64)
    /// Never empty: DynamoDB refuses an empty set, and a set that loses its last member is absent.
    case strings(Set<String>)
}

extension AttributeValue: Equatable {
    /// Strings are equal when their UTF-8 bytes are. Set members are ASCII names, for which `String`'s own `==` is that.
    public static func == (a: AttributeValue, b: AttributeValue) -> Bool {
        switch (a, b) {
        case (.string(let a), .string(let b)): bytesEqual(a, b)
        case (.number(let a), .number(let b)): a == b
        case (.strings(let a), .strings(let b)): a == b
        default: false
        }
    }
}

/// The primary key of an item: partition and sort key, compared by their UTF-8 bytes.
public struct Key: Hashable, Comparable, Sendable {
    public var pk: String
    public var sk: String

    public init(_ pk: String, _ sk: String) {
        self.pk = pk
        self.sk = sk
    }

    public static func == (a: Key, b: Key) -> Bool { bytesEqual(a.pk, b.pk) && bytesEqual(a.sk, b.sk) }
    public static func < (a: Key, b: Key) -> Bool {
        bytesEqual(a.pk, b.pk) ? bytesPrecede(a.sk, b.sk) : bytesPrecede(a.pk, b.pk)
    }
}

/// A row: its key, the keys under which indexes list it, and its other attributes by name.
///
/// `PK`, `SK`, `GSI1PK`, `GSI1SK`, `GSI2PK` and `GSI2SK` are fields of their own and never appear in `attributes`.
public struct Item: Equatable, Sendable {
    public var key: Key
    public var gsi1: Key?
    public var gsi2: Key?
    public var attributes: [String: AttributeValue]

    public init(_ key: Key, gsi1: Key? = nil, gsi2: Key? = nil, _ attributes: [String: AttributeValue] = [:]) {
        self.key = key
        self.gsi1 = gsi1
        self.gsi2 = gsi2
        self.attributes = attributes
    }

    public subscript(_ name: String) -> AttributeValue? {
        get { attributes[name] }
        set { attributes[name] = newValue }
    }

    public func string(_ name: String) -> String? {
        if case .string(let value) = attributes[name] { value } else { nil }
    }
    public func number(_ name: String) -> Int64? {
        if case .number(let value) = attributes[name] { value } else { nil }
    }
    /// A set's members; an absent set is an empty one.
    public func strings(_ name: String) -> Set<String> {
        if case .strings(let value) = attributes[name] { value } else { [] }
    }

    /// Bytes as DynamoDB counts an item: the UTF-8 of every name and value, numbers by their digits
    /// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html).
    public var size: Int {
        var total = 4 + key.pk.utf8.count + key.sk.utf8.count
        for index in [gsi1, gsi2] {
            if let index { total += 12 + index.pk.utf8.count + index.sk.utf8.count }
        }
        for (name, value) in attributes { total += name.utf8.count + value.size }
        return total
    }
}

extension AttributeValue {
    var size: Int {
        switch self {
        case .string(let value): value.utf8.count
        case .number(let value): String(value.magnitude).utf8.count / 2 + 2
        case .strings(let values): values.reduce(3) { $0 + $1.utf8.count + 1 }
        }
    }
}
