/// Header fields in the order received or added; names compare without regard to ASCII case.
public struct HTTPFields: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    /// One field line.
    public struct Field: Sendable, Equatable {
        public var name: String
        public var value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    private var fields: [Field] = []

    public init() {}

    public init(dictionaryLiteral elements: (String, String)...) {
        fields = elements.map { Field(name: $0, value: $1) }
    }

    /// The value of the first field with this name. O(fields).
    public func first(_ name: String) -> String? {
        fields.first { ASCII.equalIgnoringCase($0.name, name) }?.value
    }

    /// The values of all fields with this name, in order.
    public func all(_ name: String) -> [String] {
        fields.filter { ASCII.equalIgnoringCase($0.name, name) }.map(\.value)
    }

    /// Whether a comma-separated list field, such as `Connection` or `Upgrade`, names `token` (in any case).
    ///
    /// Several field lines of one name are one list (RFC 9110 section 5.3).
    public func contains(_ name: String, token: String) -> Bool {
        tokens(name).contains { ASCII.equalIgnoringCase($0, token) }
    }

    /// The members of a comma-separated list field in order, without white space around them and without empty ones.
    public func tokens(_ name: String) -> [String] {
        all(name).flatMap { value in
            value.utf8.split(separator: UInt8(ascii: ",")).compactMap { member in
                let trimmed = ASCII.trimmed(member)
                return trimmed.isEmpty ? nil : String(trimmed)
            }
        }
    }

    /// Whether the text is a token (RFC 9110 section 5.6.2): what names of fields, methods and subprotocols are.
    public static func isToken(_ text: String) -> Bool { ASCII.isToken(text.utf8) }

    /// Appends a field, keeping those of the same name.
    public mutating func add(_ name: String, _ value: String) {
        fields.append(Field(name: name, value: value))
    }

    /// Replaces all fields of this name by one.
    public mutating func set(_ name: String, _ value: String) {
        remove(name)
        add(name, value)
    }

    /// Removes all fields of this name.
    public mutating func remove(_ name: String) {
        fields.removeAll { ASCII.equalIgnoringCase($0.name, name) }
    }
}

extension HTTPFields: RandomAccessCollection {
    public var startIndex: Int { fields.startIndex }
    public var endIndex: Int { fields.endIndex }
    public subscript(position: Int) -> Field { fields[position] }
}

extension HTTPFields {
    /// Appends the field lines as they go over the wire.
    ///
    /// Values may come from a handler: a CR, LF or NUL in one is written as a space and a field whose name is
    /// no token is left out, so that no value can add a field or end the head.
    func write(to bytes: inout [UInt8]) {
        for field in fields where ASCII.isToken(field.name.utf8) {
            bytes.append(contentsOf: field.name.utf8)
            bytes.append(contentsOf: [ASCII.colon, ASCII.space])
            for byte in field.value.utf8 {
                bytes.append(byte == ASCII.cr || byte == ASCII.lf || byte == 0 ? ASCII.space : byte)
            }
            bytes.append(contentsOf: [ASCII.cr, ASCII.lf])
        }
    }
}
