import ChatModel
import CodecChecks
import JSONCoding

/// What holds for every text that may be JSON.
enum JSONCheck {
    /// Deeper than a client's frame may be, and than an event.
    static let depths = [Limits.jsonDepth, 64]

    /// Two readers agree whether it is JSON, and what was read is written so that it reads the same.
    static func run(_ text: [UInt8]) throws(Contradiction) {
        for depth in depths {
            let value = try? JSONParser.parse(text, limits: JSONLimits(maxDepth: depth))
            let isDocument = JSONReading.isDocument(text, maxDepth: depth)
            try require((value != nil) == isDocument, "\(isDocument ? "" : "no ")JSON by the second reader")
            guard let value else { continue }
            var writer = JSONWriter()
            writer.value(value)
            try require(JSONReading.isDocument(writer.bytes, maxDepth: depth), "written: \(writer.bytes.text)")
            let again = try? JSONParser.parse(writer.bytes, limits: JSONLimits(maxDepth: depth))
            try require(again == value, "written and read: \(writer.bytes.text)")
            try numbers(in: value)
        }
    }

    /// What is written is JSON of at most so many bytes.
    static func object(_ written: [UInt8], upTo bytes: Int) throws(Contradiction) -> JSONObject {
        try require(written.count <= bytes, "\(written.count) bytes, more than \(bytes)")
        try require(JSONReading.isDocument(written, maxDepth: 64), "no JSON: \(written.text)")
        guard let object = (try? JSONParser.parse(written, limits: JSONLimits(maxDepth: 64)))?.object else {
            throw Contradiction(description: "no object: \(written.text)")
        }
        return object
    }

    private static func numbers(in value: JSONValue) throws(Contradiction) {
        switch value {
        case .number(let number): try check(number)
        case .array(let elements): for element in elements { try numbers(in: element) }
        case .object(let object): for member in object.members { try numbers(in: member.value) }
        default: break
        }
    }

    /// An integer is read exactly or not at all, and no fraction is one.
    private static func check(_ number: JSONNumber) throws(Contradiction) {
        let text = number.text
        try require(JSONNumber(text: text) == number, "\(text) is a number once")
        if !text.utf8.contains(where: { ".eE".utf8.contains($0) }) {
            try require(number.int64 == Int64(text), "\(text) is read as \(number.int64 as Any)")
        }
        if let whole = number.int64 { try require(number.floor == whole, "\(text): floor \(number.floor as Any)") }
        guard let double = Double(text), double.magnitude < 1e15 else { return }
        guard let floor = number.floor else { throw Contradiction(description: "\(text) has no floor") }
        // A double may have been rounded up to the next integer.
        let below = Int64(double.rounded(.down))
        try require(floor == below || floor == below - 1 && Double(below) == double, "\(text): floor \(floor)")
    }
}

extension [UInt8] {
    var text: String { String(decoding: self, as: UTF8.self) }
}
