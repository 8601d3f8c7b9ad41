/// Writes JSON straight into a byte buffer; commas are its business, nesting is the caller's.
///
/// ```swift
/// var json = JSONWriter()
/// json.beginObject()
/// json.member("type", "message")
/// json.member("seq", seq)
/// json.endObject()
/// ```
public struct JSONWriter: Sendable {
    /// What has been written.
    public private(set) var bytes: [UInt8]

    /// Whether the next value or name follows another one in its container.
    private var needsComma = false

    /// A writer that appends to `bytes`, which may be empty, or a buffer whose capacity is to be used again.
    public init(appendingTo bytes: consuming [UInt8] = []) {
        self.bytes = bytes
    }

    public init(capacity: Int) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    /// Empties the buffer and keeps its capacity, for the next document.
    public mutating func reset() {
        bytes.removeAll(keepingCapacity: true)
        needsComma = false
    }

    public mutating func beginObject() { open(UInt8(ascii: "{")) }
    public mutating func endObject() { close(UInt8(ascii: "}")) }
    public mutating func beginArray() { open(UInt8(ascii: "[")) }
    public mutating func endArray() { close(UInt8(ascii: "]")) }

    /// The name of the member whose value is written next.
    public mutating func name(_ name: String) {
        separate()
        quote(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    public mutating func string(_ value: String) {
        separate()
        quote(value)
    }

    /// A text of printable ASCII without quotes and backslashes, as numbers and times are. Not checked in release builds.
    public mutating func plainString(_ text: Span<UInt8>) {
        assert(text.endOfPlainRun(from: 0) == text.count, "a text that needs escapes")
        separate()
        bytes.append(UInt8(ascii: "\""))
        for index in text.indices { bytes.append(text[index]) }
        bytes.append(UInt8(ascii: "\""))
    }

    public mutating func number(_ value: Int64) {
        separate()
        decimal(value)
    }

    public mutating func number(_ value: Int) {
        number(Int64(value))
    }

    /// The number's text, as it was received.
    public mutating func number(_ value: JSONNumber) {
        rawNumber(value.text)
    }

    /// A number the caller has as text, in RFC 8259's grammar. Not checked in release builds.
    public mutating func rawNumber(_ text: String) {
        assert(JSONNumber(text: text) != nil, "not a JSON number")
        separate()
        bytes.append(contentsOf: text.utf8)
    }

    public mutating func bool(_ value: Bool) {
        separate()
        bytes.append(contentsOf: (value ? "true" : "false").utf8)
    }

    public mutating func null() {
        separate()
        bytes.append(contentsOf: "null".utf8)
    }

    /// One value that is JSON already. Not checked: what is given here is what the peer reads.
    public mutating func raw(_ fragment: some Collection<UInt8>) {
        separate()
        bytes.append(contentsOf: fragment)
    }

    public mutating func value(_ value: JSONValue) {
        switch value {
        case .null: null()
        case .bool(let value): bool(value)
        case .number(let value): number(value)
        case .string(let value): string(value)
        case .array(let elements):
            beginArray()
            for element in elements { self.value(element) }
            endArray()
        case .object(let object):
            beginObject()
            for member in object.members { self.member(member.name, member.value) }
            endObject()
        }
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    private mutating func decimal(_ value: Int64) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        let magnitude = value.magnitude
        var power: UInt64 = 1
        while magnitude / power >= 10 { power *= 10 }
        while power > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude / power % 10))
            power /= 10
        }
    }

    /// Nearly no string needs an escape, and one that does not is copied in one move.
    private mutating func quote(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        let plain = text.utf8.span.endOfPlainRun(from: 0)
        if plain == text.utf8.count {
            bytes.append(contentsOf: text.utf8)
        } else {
            bytes.append(contentsOf: text.utf8.prefix(plain))
            for byte in text.utf8.dropFirst(plain) { escape(byte) }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func escape(_ byte: UInt8) {
        guard byte.needsEscape else { return bytes.append(byte) }
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case ..<0x20:
            bytes.append(contentsOf: "u00".utf8)
            bytes.append(UInt8(ascii: "0") + byte >> 4)
            let low = byte & 0xF
            bytes.append(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
        default: bytes.append(byte)
        }
    }
}
