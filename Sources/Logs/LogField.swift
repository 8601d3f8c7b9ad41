/// What a field says.
public enum LogValue: Sendable, Equatable {
    case string(String)
    case int(Int64)
    case bool(Bool)
}

/// Something that can be the value of a field.
public protocol LogConvertible {
    /// The value, or nil to leave the field out.
    var logValue: LogValue? { get }
}

/// One named value of an event.
public struct LogField: Sendable, Equatable {
    public let name: String
    public let value: LogValue

    /// - Parameter name: from the source, never from a client; `time`, `level` and `event` are the line's own.
    public init(_ name: String, _ value: LogValue) {
        assert(!["time", "level", "event"].contains(name), "a field cannot be named \(name)")
        self.name = name
        self.value = value
    }
}

/// The fields of an event in order, written as a dictionary literal: `["roomId": room, "members": 3]`.
public struct LogFields: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    public private(set) var fields: [LogField]

    public init(_ fields: [LogField]) {
        self.fields = fields
    }

    public init(dictionaryLiteral elements: (String, any LogConvertible)...) {
        fields = elements.compactMap { name, value in value.logValue.map { LogField(name, $0) } }
    }

    /// Adds `others`; of two fields with one name the newer stays.
    mutating func replace(with others: LogFields) {
        guard !others.fields.isEmpty else { return }
        fields.removeAll { old in others.fields.contains { $0.name == old.name } }
        fields += others.fields
    }
}

extension LogValue: LogConvertible {
    public var logValue: LogValue? { self }
}

extension String: LogConvertible {
    public var logValue: LogValue? { .string(self) }
}

extension Bool: LogConvertible {
    public var logValue: LogValue? { .bool(self) }
}

extension Int64: LogConvertible {
    public var logValue: LogValue? { .int(self) }
}

extension Int: LogConvertible {
    public var logValue: LogValue? { .int(Int64(self)) }
}

extension Optional: LogConvertible where Wrapped: LogConvertible {
    public var logValue: LogValue? { flatMap(\.logValue) }
}
