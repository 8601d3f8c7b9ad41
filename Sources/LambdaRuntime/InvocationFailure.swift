/// A failure as the Runtime API takes it: a type for the header, and a JSON body.
struct InvocationFailure {
    /// `category.reason`, such as `Function.Timeout`.
    let typeField: String
    private let type: String
    private let message: String

    init(category: String, type: String, message: String) {
        // A type's name may hold anything; a header field and a metric's dimension may not.
        let word = type.unicodeScalars.filter { $0.isASCII && ($0.properties.isAlphabetic || $0.properties.numericType != nil) }
        self.type = word.isEmpty ? "UnknownReason" : String(word)
        typeField = "\(category).\(self.type)"
        self.message = message
    }

    /// What a handler threw, by the name of its type and its description.
    init(_ error: any Error) {
        self.init(
            category: "Function", type: String(describing: Swift.type(of: error)), message: String(describing: error))
    }

    var json: [UInt8] {
        Array(#"{"errorMessage":\#(Self.quoted(message)),"errorType":\#(Self.quoted(type)),"stackTrace":[]}"#.utf8)
    }

    /// A JSON string (RFC 8259 section 7).
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\":
                quoted.unicodeScalars.append("\\")
                quoted.unicodeScalars.append(scalar)
            case "\u{0}"..."\u{1F}":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
