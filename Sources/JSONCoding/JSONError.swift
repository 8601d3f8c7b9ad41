/// Why bytes are not a JSON document, with the offset in bytes of what is at fault.
public enum JSONError: Error, Equatable, Sendable {
    /// The document stops before it is complete.
    case unexpectedEnd(at: Int)
    /// A byte that the grammar does not allow here, such as a trailing comma's bracket, a comment or a BOM.
    case unexpectedByte(at: Int)
    /// More than white space follows the document.
    case trailingData(at: Int)
    /// A number with a leading zero, a bare point or an empty exponent.
    case invalidNumber(at: Int)
    /// A backslash followed by something RFC 8259 does not list.
    case invalidEscape(at: Int)
    /// A `\u` escape of half a surrogate pair.
    case loneSurrogate(at: Int)
    /// U+0000 to U+001F inside a string, unescaped.
    case controlCharacter(at: Int)
    /// A string that is not UTF-8.
    case invalidUTF8(at: Int)
    /// An array or object deeper than `JSONLimits.maxDepth`.
    case tooDeep(at: Int)
    /// An object with two members of one name, where duplicates are refused; the offset is of its brace.
    case duplicateName(at: Int)

    /// The offset in bytes from the start of the document.
    public var offset: Int {
        switch self {
        case .unexpectedEnd(let offset), .unexpectedByte(let offset), .trailingData(let offset),
            .invalidNumber(let offset), .invalidEscape(let offset), .loneSurrogate(let offset),
            .controlCharacter(let offset), .invalidUTF8(let offset), .tooDeep(let offset),
            .duplicateName(let offset):
            offset
        }
    }
}
