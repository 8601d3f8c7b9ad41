/// A name given from outside that compares, hashes and sorts by its UTF-8 bytes.
///
/// Swift's `String` compares by canonical equivalence, so é (U+00E9) equals e + U+0301; DynamoDB, SQLite and every
/// other client compare bytes. Two users must never be one in one place and two in another.
public protocol Identifier: Hashable, Comparable, Sendable, CustomStringConvertible {
    var text: String { get }
}

extension Identifier {
    public static func == (a: Self, b: Self) -> Bool { bytesEqual(a.text, b.text) }
    public static func < (a: Self, b: Self) -> Bool { bytesPrecede(a.text, b.text) }
    /// Equal bytes are canonically equivalent, so the string's own hash agrees with ``==``.
    public func hash(into hasher: inout Hasher) { hasher.combine(text) }
    public var description: String { text }
}

/// Whether two strings are the same UTF-8 bytes.
public func bytesEqual(_ a: String, _ b: String) -> Bool {
    guard a.utf8.count == b.utf8.count else { return false }
    let (left, right) = (a.utf8.span, b.utf8.span)
    var index = 0
    // Keys are dozens of bytes: eight at a time. RawSpan checks bounds, and any bits are an integer.
    while index + 8 <= left.count {
        let (x, y) = unsafe (
            left.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self),
            right.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
        if x != y { return false }
        index += 8
    }
    while index < left.count, left[index] == right[index] { index += 1 }
    return index == left.count
}

/// Whether `a` sorts before `b` by UTF-8 bytes, as DynamoDB and SQLite sort keys.
public func bytesPrecede(_ a: String, _ b: String) -> Bool {
    let (left, right) = (a.utf8.span, b.utf8.span)
    for index in 0..<min(left.count, right.count) where left[index] != right[index] { return left[index] < right[index] }
    return left.count < right.count
}

/// One customer's name-space: nothing a client sends can reach another.
public struct TenantID: Identifier {
    public let text: String
    /// Nil unless `text` matches `[A-Za-z0-9._:@-]{1,128}`.
    public init?(_ text: String) {
        guard isPlainName(text) else { return nil }
        self.text = text
    }
}

/// A room's name within its tenant.
public struct RoomID: Identifier {
    public let text: String
    /// Nil unless `text` matches `[A-Za-z0-9._:@-]{1,128}`.
    public init?(_ text: String) {
        guard isPlainName(text) else { return nil }
        self.text = text
    }
}

/// A person or a program within a tenant; one user may have several connections.
public struct UserID: Identifier {
    public let text: String
    /// Nil unless `text` is 1–256 bytes of UTF-8 without control characters (Unicode category Cc).
    public init?(_ text: String) {
        guard (1...Limits.userIDBytes).contains(text.utf8.count),
            text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) })
        else { return nil }
        self.text = text
    }
}

/// One WebSocket connection, named by the gateway (API Gateway's `connectionId`).
public struct ConnectionID: Identifier {
    public let text: String
    /// Nil unless `text` is 1–128 printable ASCII characters without `#` and `%`, which holds for API Gateway's base64.
    public init?(_ text: String) {
        guard (1...Limits.connectionIDBytes).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: "%") })
        else { return nil }
        self.text = text
    }
}

private func isPlainName(_ text: String) -> Bool {
    (1...Limits.plainNameBytes).contains(text.utf8.count)
        && text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "@"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
}
