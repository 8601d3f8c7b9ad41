import ChatModel
import JSONCoding

/// How a line looks.
public enum LogFormat: String, Sendable {
    /// `2026-11-21T13:37:20.123Z INFO room joined roomId=lobby members=3`
    case text
    /// `{"time":"2026-11-21T13:37:20.123Z","level":"info","event":"room joined","roomId":"lobby","members":3}`
    case json

    /// The format of this name (`text` or `json`), or nil.
    public init?(_ name: String) {
        self.init(rawValue: name)
    }

    /// One line, its line feed included.
    func line(time: Int64, level: LogLevel, event: String, fields: [LogField]) -> [UInt8] {
        switch self {
        case .text: Self.text(time, level, event, fields)
        case .json: Self.json(time, level, event, fields)
        }
    }

    private static func text(_ time: Int64, _ level: LogLevel, _ event: String, _ fields: [LogField]) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(128)
        line.append(contentsOf: Timestamp(milliseconds: time).description.utf8)
        line.append(UInt8(ascii: " "))
        line.append(contentsOf: level.label.utf8)
        line.append(UInt8(ascii: " "))
        append(event, to: &line, isBare: isWords)
        for field in fields {
            line.append(UInt8(ascii: " "))
            append(field.name, to: &line, isBare: isWord)
            line.append(UInt8(ascii: "="))
            switch field.value {
            case .string(let value): append(value, to: &line, isBare: isWord)
            case .int(let value): line.append(contentsOf: String(value).utf8)
            case .bool(let value): line.append(contentsOf: (value ? "true" : "false").utf8)
            }
        }
        line.append(UInt8(ascii: "\n"))
        return line
    }

    private static func json(_ time: Int64, _ level: LogLevel, _ event: String, _ fields: [LogField]) -> [UInt8] {
        var json = JSONWriter(capacity: 256)
        json.beginObject()
        json.member("time", Timestamp(milliseconds: time).description)
        json.member("level", level.rawValue)
        json.member("event", raw: quoted(event))
        for field in fields {
            switch field.value {
            case .string(let value): json.member(field.name, raw: quoted(value))
            case .int(let value): json.member(field.name, value)
            case .bool(let value): json.member(field.name, value)
            }
        }
        json.endObject()
        return json.bytes + [UInt8(ascii: "\n")]
    }

    private static func append(_ text: String, to line: inout [UInt8], isBare: (String) -> Bool) {
        line.append(contentsOf: isBare(text) ? Array(text.utf8) : quoted(text))
    }

    /// Whether a value can stand without quotes and still be told from what is around it.
    private static func isWord(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy {
            (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: "=")
        }
    }

    /// An event may also have spaces between its words: what ends it is the first field, which has an equals sign.
    private static func isWords(_ text: String) -> Bool {
        text.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false).allSatisfy { isWord(String($0)!) }
    }
}
