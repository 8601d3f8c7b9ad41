/// How the end of a body is found (RFC 9112 section 6.3).
enum BodyFraming: Equatable, Sendable {
    case length(Int)
    case chunked
    /// A response without either ends where the connection ends.
    case untilClose

    /// What the fields of a message declare; nil when they declare nothing.
    ///
    /// Every shape that two readers could frame differently (request smuggling) is refused, also where
    /// RFC 9112 would let a recipient repair it.
    static func declared(
        _ fields: HTTPFields, minorVersion: Int, _ limits: HTTPLimits
    ) throws(HTTPFault) -> BodyFraming? {
        let codings = fields.all("Transfer-Encoding")
        let lengths = fields.all("Content-Length")
        if !codings.isEmpty {
            guard lengths.isEmpty, minorVersion == 1 else { throw .ambiguousLength }
            guard codings.count == 1, ASCII.equalIgnoringCase(codings[0], "chunked") else {
                throw .unsupportedTransferCoding
            }
            return .chunked
        }
        guard let length = lengths.first else { return nil }
        guard lengths.count == 1 else { throw .ambiguousLength }
        guard !length.isEmpty, length.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            throw .invalidLength
        }
        // A number too large for an Int is certainly too large for the limit.
        guard let bytes = HeadGrammar.decimal(length.utf8), bytes <= limits.maxBodyBytes else { throw .bodyTooLarge }
        return .length(bytes)
    }
}
