import HTTPCodec

/// What a signature covers, in the one form that both sides compute.
/// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
struct CanonicalRequest {
    let bytes: [UInt8]
    /// `content-type;host;x-amz-date`.
    let signedFields: [UInt8]

    /// What comes after the target, which is the same for requests that differ in nothing else.
    struct Rest: Sendable {
        fileprivate let bytes: [UInt8]
        fileprivate let signedFields: [UInt8]

        /// - Parameter fields: everything to be signed, `Host` and `X-Amz-Date` among it. Order and case do not matter.
        init(fields: HTTPFields, body: [UInt8]) {
            var names: [UInt8] = []
            var bytes: [UInt8] = []
            bytes.reserveCapacity(1024)
            appendFields(fields, to: &bytes, names: &names)
            bytes.append(lineFeed)
            bytes.append(contentsOf: names)
            bytes.append(lineFeed)
            Hexadecimal.append(SHA256.digest(body), to: &bytes)
            self.bytes = bytes
            signedFields = names
        }
    }

    /// - Parameter target: the path as it is sent, and after a `?` the query.
    init(method: String, target: String, rest: Rest) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(rest.bytes.count + 2 * target.utf8.count + 32)
        bytes.append(contentsOf: method.utf8)
        bytes.append(Self.lineFeed)
        let parts = target.utf8.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        Self.appendPath(parts[0], to: &bytes)
        bytes.append(Self.lineFeed)
        if parts.count == 2 { Self.appendQuery(parts[1], to: &bytes) }
        bytes.append(Self.lineFeed)
        bytes.append(contentsOf: rest.bytes)
        self.bytes = bytes
        signedFields = rest.signedFields
    }

    private static let lineFeed = UInt8(ascii: "\n")

    /// Without empty and `.` segments, `..` resolved, and then encoded once more: what the path has encoded is so twice.
    private static func appendPath(_ path: Substring.UTF8View, to bytes: inout [UInt8]) {
        // Nearly every path is as it should be.
        if isNormal(path.span) {
            appendEncoded(path.span, to: &bytes)
            return
        }
        var segments: [Substring.UTF8View] = []
        var endsOpen = false
        for segment in path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            endsOpen = true
            switch segment.count {
            case 0: break
            case 1 where segment.first == dot: break
            case 2 where segment.allSatisfy({ $0 == dot }): _ = segments.popLast()
            default:
                segments.append(segment)
                endsOpen = false
            }
        }
        for segment in segments {
            bytes.append(UInt8(ascii: "/"))
            for byte in segment { URIEncoding.append(byte, to: &bytes) }
        }
        if segments.isEmpty || endsOpen { bytes.append(UInt8(ascii: "/")) }
    }

    /// Whether it begins with a slash and no segment is empty or begins with a dot.
    private static func isNormal(_ path: Span<UInt8>) -> Bool {
        var isAfterSlash = false
        for index in path.indices {
            let byte = path[index]
            if index == 0, byte != slash { return false }
            if isAfterSlash, byte == slash || byte == dot { return false }
            isAfterSlash = byte == slash
        }
        return !path.isEmpty && !isAfterSlash
    }

    private static func appendEncoded(_ path: Span<UInt8>, to bytes: inout [UInt8]) {
        for index in path.indices {
            let byte = path[index]
            if byte == slash { bytes.append(slash) } else { URIEncoding.append(byte, to: &bytes) }
        }
    }

    private static let slash = UInt8(ascii: "/")
    private static let dot = UInt8(ascii: ".")

    /// Names and values encoded in the one canonical way, sorted by name and then by value.
    private static func appendQuery(_ query: Substring.UTF8View, to bytes: inout [UInt8]) {
        var pairs: [(name: [UInt8], value: [UInt8])] = []
        for pair in query.split(separator: UInt8(ascii: "&")) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            pairs.append((URIEncoding.normalized(parts[0]), parts.count == 2 ? URIEncoding.normalized(parts[1]) : []))
        }
        pairs.sort { left, right in
            left.name == right.name
                ? left.value.lexicographicallyPrecedes(right.value) : left.name.lexicographicallyPrecedes(right.name)
        }
        for (index, pair) in pairs.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: "&")) }
            bytes.append(contentsOf: pair.name)
            bytes.append(UInt8(ascii: "="))
            bytes.append(contentsOf: pair.value)
        }
    }

    /// Lower-case names in order, values with single blanks, those of one name joined in the order they have.
    private static func appendFields(_ fields: HTTPFields, to bytes: inout [UInt8], names: inout [UInt8]) {
        var sorted: [(name: [UInt8], value: String)] = []
        sorted.reserveCapacity(fields.count)
        for field in fields {
            let name = field.name.utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
            // Stable, and there are few.
            var place = sorted.count
            while place > 0, name.lexicographicallyPrecedes(sorted[place - 1].name) { place -= 1 }
            sorted.insert((name, field.value), at: place)
        }
        for (index, field) in sorted.enumerated() {
            if index > 0, sorted[index - 1].name == field.name {
                bytes[bytes.count - 1] = UInt8(ascii: ",")
            } else {
                if index > 0 { names.append(UInt8(ascii: ";")) }
                names.append(contentsOf: field.name)
                bytes.append(contentsOf: field.name)
                bytes.append(UInt8(ascii: ":"))
            }
            appendTrimmed(field.value, to: &bytes)
            bytes.append(lineFeed)
        }
    }

    private static func appendTrimmed(_ value: String, to bytes: inout [UInt8]) {
        if isTrimmed(value.utf8.span) {
            bytes.append(contentsOf: value.utf8)
            return
        }
        for (index, word) in value.utf8.split(whereSeparator: isBlank).enumerated() {
            if index > 0 { bytes.append(space) }
            bytes.append(contentsOf: word)
        }
    }

    /// As almost every value is: the long ones are read once and copied as a whole.
    private static func isTrimmed(_ value: Span<UInt8>) -> Bool {
        var isAfterBlank = true
        for index in value.indices {
            let byte = value[index]
            guard byte <= space else {
                isAfterBlank = false
                continue
            }
            if isBlank(byte), isAfterBlank || byte != space { return false }
            isAfterBlank = isBlank(byte)
        }
        return value.isEmpty || !isAfterBlank
    }

    private static let space = UInt8(ascii: " ")

    private static func isBlank(_ byte: UInt8) -> Bool { byte == space || (0x09...0x0D).contains(byte) }
}
