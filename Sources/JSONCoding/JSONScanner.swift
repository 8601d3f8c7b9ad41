/// The position in a document being read. The bytes are passed to each step instead of being held, so that the
/// scanner is an ordinary value.
struct JSONScanner {
    var position = 0
    private var depth = 0
    private let limits: JSONLimits
    private let duplicates: JSONDuplicates

    init(limits: JSONLimits, duplicates: JSONDuplicates) {
        self.limits = limits
        self.duplicates = duplicates
    }

    mutating func document(in bytes: Span<UInt8>) throws(JSONError) -> JSONValue {
        skipSpace(in: bytes)
        let value = try value(in: bytes)
        skipSpace(in: bytes)
        guard position == bytes.count else { throw .trailingData(at: position) }
        return value
    }

    private mutating func value(in bytes: Span<UInt8>) throws(JSONError) -> JSONValue {
        switch try peek(in: bytes) {
        case UInt8(ascii: "\""): return .string(try string(in: bytes))
        case UInt8(ascii: "{"): return .object(try object(in: bytes))
        case UInt8(ascii: "["): return .array(try array(in: bytes))
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number(in: bytes))
        case UInt8(ascii: "t"): try skip("true", in: bytes); return .bool(true)
        case UInt8(ascii: "f"): try skip("false", in: bytes); return .bool(false)
        case UInt8(ascii: "n"): try skip("null", in: bytes); return .null
        default: throw .unexpectedByte(at: position)
        }
    }

    private mutating func object(in bytes: Span<UInt8>) throws(JSONError) -> JSONObject {
        let start = position
        try open()
        var members: [JSONObject.Member] = []
        skipSpace(in: bytes)
        if try peek(in: bytes) == UInt8(ascii: "}") {
            close()
            return JSONObject(members: members)
        }
        // A chat frame has up to this many members, so most objects are allocated once.
        members.reserveCapacity(4)
        while true {
            guard try peek(in: bytes) == UInt8(ascii: "\"") else { throw .unexpectedByte(at: position) }
            let name = try string(in: bytes)
            skipSpace(in: bytes)
            guard try peek(in: bytes) == UInt8(ascii: ":") else { throw .unexpectedByte(at: position) }
            position += 1
            skipSpace(in: bytes)
            members.append(JSONObject.Member(name: name, value: try value(in: bytes)))
            skipSpace(in: bytes)
            if try separator(orEnd: UInt8(ascii: "}"), in: bytes) { break }
        }
        let object = JSONObject(members: members)
        if duplicates == .refuse, object.hasDuplicateNames { throw .duplicateName(at: start) }
        return object
    }

    private mutating func array(in bytes: Span<UInt8>) throws(JSONError) -> [JSONValue] {
        try open()
        var elements: [JSONValue] = []
        skipSpace(in: bytes)
        if try peek(in: bytes) == UInt8(ascii: "]") {
            close()
            return elements
        }
        while true {
            elements.append(try value(in: bytes))
            skipSpace(in: bytes)
            if try separator(orEnd: UInt8(ascii: "]"), in: bytes) { break }
        }
        return elements
    }

    private mutating func open() throws(JSONError) {
        guard depth < limits.maxDepth else { throw .tooDeep(at: position) }
        depth += 1
        position += 1
    }

    private mutating func close() {
        depth -= 1
        position += 1
    }

    /// Steps over a comma and the space after it, or over the container's end and answers true.
    private mutating func separator(orEnd end: UInt8, in bytes: Span<UInt8>) throws(JSONError) -> Bool {
        let byte = try peek(in: bytes)
        if byte == end {
            close()
            return true
        }
        guard byte == UInt8(ascii: ",") else { throw .unexpectedByte(at: position) }
        position += 1
        skipSpace(in: bytes)
        return false
    }

    func peek(in bytes: Span<UInt8>) throws(JSONError) -> UInt8 {
        guard position < bytes.count else { throw .unexpectedEnd(at: position) }
        return bytes[position]
    }

    private mutating func skipSpace(in bytes: Span<UInt8>) {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    private mutating func skip(_ literal: StaticString, in bytes: Span<UInt8>) throws(JSONError) {
        let expected = unsafe UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount)
        for unsafe byte in unsafe expected {
            guard try peek(in: bytes) == byte else { throw .unexpectedByte(at: position) }
            position += 1
        }
    }
}
