import JSONCoding
import Testing

struct JSONValueTests {
    @Test func `strings are equal by their bytes`() {
        #expect("\u{E9}" == "e\u{301}")
        #expect(JSONValue.string("\u{E9}") != .string("e\u{301}"))
        #expect(JSONValue.string("\u{E9}") == .string("\u{E9}"))
        #expect(JSONValue.object(JSONObject([("\u{E9}", .null)])) != .object(JSONObject([("e\u{301}", .null)])))
        #expect(JSONObject([("\u{E9}", .null)])["e\u{301}"] == nil)
    }

    @Test func `values of different kinds differ`() {
        let values: [JSONValue] = [
            .null, .bool(false), .bool(true), .number(JSONNumber(0)), .string(""), .string("0"), .array([]),
            .array([.null]), .object(JSONObject([])), .object(JSONObject([("", .null)])),
        ]
        for (left, first) in values.enumerated() {
            for (right, second) in values.enumerated() { #expect((first == second) == (left == right)) }
        }
    }

    @Test(arguments: [
        ("0", 0), ("-0", 0), ("5.0", 5), ("1e3", 1000), ("1.5e1", 15), ("-12.50e2", -1250), ("1000e-3", 1),
        ("0.001e3", 1), ("0e999999999999999999999", 0), ("0.000e-99999999999999999999", 0),
        ("9223372036854775807", .max), ("-9223372036854775808", .min), ("9.223372036854775807e18", .max),
        ("9223372036854775808", nil), ("-9223372036854775809", nil), ("1e19", nil), ("1e400", nil),
        ("18446744073709551616", nil), ("12345678901234567890123", nil),
        ("1e99999999999999999999999", nil), ("1e-99999999999999999999999", nil), ("1.5", nil), ("1e-1", nil),
        ("10000000000000000000000000000e-28", 1), ("10000000000000000000000000001e-28", nil),
    ] as [(String, Int64?)])
    func `an integer is exact however it is written`(text: String, expected: Int64?) throws {
        #expect(try #require(JSONNumber(text: text)).int64 == expected)
    }

    @Test(arguments: [
        ("1.9", 1), ("-1.1", -2), ("-0.5", -1), ("-1.0", -1), ("15e-1", 1), ("0.1", 0), ("1e-400", 0),
        ("9223372036854775807.9", .max), ("-9223372036854775808.1", nil), ("1e400", nil), ("-1e400", nil),
        ("1700000000.123456789012345678901234567890", 1_700_000_000),
    ] as [(String, Int64?)])
    func `floor rounds towards minus infinity`(text: String, expected: Int64?) throws {
        #expect(try #require(JSONNumber(text: text)).floor == expected)
    }

    @Test(arguments: ["", " 1", "1 ", "01", "1.", "+1", "0x1", "1e", "NaN", "\"1\""])
    func `text that is no number makes none`(text: String) {
        #expect(JSONNumber(text: text) == nil)
    }

    @Test(arguments: ["12345678901234567890", "1.0", "1E+2", "-0", "0.10"])
    func `a number keeps its text`(text: String) throws {
        let value = try JSONParser.parse("[\(text)]")
        #expect(value.array?.first?.number?.text == text)
        var writer = JSONWriter()
        writer.value(value)
        #expect(writer.bytes == Array("[\(text)]".utf8))
    }

    @Test func `many members with one duplicate are told from many without`() {
        let unique = (0..<40).map { ("n\($0)", JSONValue.null) }
        #expect(!JSONObject(unique).hasDuplicateNames)
        #expect(JSONObject(unique + [("n3", .null)]).hasDuplicateNames)
        #expect(!JSONObject(unique + [("\u{E9}", .null), ("e\u{301}", .null)]).hasDuplicateNames)
    }
}
