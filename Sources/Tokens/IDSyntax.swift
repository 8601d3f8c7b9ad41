/// The syntax of the ids that a token carries.
enum IDSyntax {
    private static let maxTenantBytes = 128
    private static let maxUserBytes = 256

    /// `[A-Za-z0-9._:@-]{1,128}`
    static func isTenant(_ id: String) -> Bool {
        (1...maxTenantBytes).contains(id.utf8.count) && id.utf8.allSatisfy(isTenantByte)
    }

    private static func isTenantByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"),
            UInt8(ascii: "@"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// 1 to 256 bytes of UTF-8 without control characters (Unicode category Cc).
    static func isUser(_ id: String) -> Bool {
        (1...maxUserBytes).contains(id.utf8.count) && id.unicodeScalars.allSatisfy { scalar in
            !(0x00...0x1F).contains(scalar.value) && !(0x7F...0x9F).contains(scalar.value)
        }
    }
}
