/// What a document may cost the one who reads it.
public struct JSONLimits: Sendable, Equatable {
    /// How many arrays and objects may be open at once.
    public let maxDepth: Int

    /// Traps above 512: values are read and released by recursion, which must fit a thread's stack.
    public init(maxDepth: Int = 32) {
        precondition((0...512).contains(maxDepth), "maxDepth must be 0 to 512")
        self.maxDepth = maxDepth
    }

    public static let `default` = JSONLimits()
}

/// What an object with two members of one name is.
public enum JSONDuplicates: Sendable, Equatable {
    /// All are kept, and `JSONObject`'s subscript answers the last.
    case lastWins
    /// An error: for documents where two readers must not disagree, such as tokens.
    case refuse
}

/// Reads JSON as RFC 8259 has it and nothing else: one document in UTF-8 without a byte order mark, no comments, no
/// trailing commas, no `NaN`, no lone surrogates.
///
/// Linear in the size of the document.
public enum JSONParser {
    /// The value of a document. Throws what is wrong with the first byte that is.
    public static func parse(
        _ bytes: Span<UInt8>, limits: JSONLimits = .default, duplicates: JSONDuplicates = .lastWins
    ) throws(JSONError) -> JSONValue {
        var scanner = JSONScanner(limits: limits, duplicates: duplicates)
        return try scanner.document(in: bytes)
    }

    public static func parse(
        _ bytes: [UInt8], limits: JSONLimits = .default, duplicates: JSONDuplicates = .lastWins
    ) throws(JSONError) -> JSONValue {
        try parse(bytes.span, limits: limits, duplicates: duplicates)
    }

    public static func parse(
        _ text: String, limits: JSONLimits = .default, duplicates: JSONDuplicates = .lastWins
    ) throws(JSONError) -> JSONValue {
        try parse(text.utf8.span, limits: limits, duplicates: duplicates)
    }
}
