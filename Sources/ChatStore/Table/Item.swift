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
public struct Item: Sendable {
    /// An item is made once and handed on many times: from the action to the plan, the cache, the feed and its readers.
    ///
    /// `@unchecked`: changed only where a single item refers to it.
    private final class Storage: @unchecked Sendable {
        var key: Key
        var gsi1: Key?
        var gsi2: Key?
        var attributes: Attributes

        init(_ key: Key, _ gsi1: Key?, _ gsi2: Key?, _ attributes: Attributes) {
            self.key = key
            self.gsi1 = gsi1
            self.gsi2 = gsi2
            self.attributes = attributes
        }
    }

    private var storage: Storage

    public init(_ key: Key, gsi1: Key? = nil, gsi2: Key? = nil, _ attributes: Attributes = [:]) {
        storage = Storage(key, gsi1, gsi2, attributes)
    }

    public var key: Key {
        get { storage.key }
        set { unique().key = newValue }
    }
    public var gsi1: Key? {
        get { storage.gsi1 }
        set { unique().gsi1 = newValue }
    }
    public var gsi2: Key? {
        get { storage.gsi2 }
        set { unique().gsi2 = newValue }
    }
    public var attributes: Attributes {
        get { storage.attributes }
        set { unique().attributes = newValue }
    }

    public subscript(_ name: String) -> AttributeValue? {
        get { storage.attributes[name] }
        set { unique().attributes[name] = newValue }
    }

    private mutating func unique() -> Storage {
        if !isKnownUniquelyReferenced(&storage) {
            storage = Storage(storage.key, storage.gsi1, storage.gsi2, storage.attributes)
        }
        return storage
    }

    /// Whether both are one item that was handed on, which is sure without a look at what is in it.
    public func isSame(as other: Item) -> Bool { storage === other.storage }

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
        if let gsi1 { total += 12 + gsi1.pk.utf8.count + gsi1.sk.utf8.count }
        if let gsi2 { total += 12 + gsi2.pk.utf8.count + gsi2.sk.utf8.count }
        for member in attributes { total += member.name.utf8.count + member.value.size }
        return total
    }
}

extension Item: Equatable {
    public static func == (a: Item, b: Item) -> Bool {
        a.isSame(as: b)
            || a.key == b.key && a.gsi1 == b.gsi1 && a.gsi2 == b.gsi2 && a.attributes == b.attributes
    }
}

extension AttributeValue {
    var size: Int {
        switch self {
        case .string(let value): value.utf8.count
        case .number(let value): AttributeValue.digits(value.magnitude) / 2 + 2
        case .strings(let values): values.reduce(3) { $0 + $1.utf8.count + 1 }
        }
    }

    private static func digits(_ number: UInt64) -> Int {
        var (digits, rest) = (1, number / 10)
        while rest > 0 { (digits, rest) = (digits + 1, rest / 10) }
        return digits
    }
}
