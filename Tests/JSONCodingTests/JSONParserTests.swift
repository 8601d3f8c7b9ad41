import JSONCoding
import Testing

struct JSONParserTests {
    @Test(arguments: [
        "null", "true", "false", " \t\r\n0 ", "-0", "1.5e+10", "1E5", "0.0", "\"\"", "[]", "{}", "[ ]", "{ }",
        "[1,2 , 3]", #"{"a":1,"a":2}"#, #"{"":""}"#, #""\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00""#, "\"é😀\u{7F}\"",
        "[[[[]]]]", #"{"a":{"b":[{}]}}"#, "123456789012345678901234567890", "\"\u{FEFF}\"",
    ])
    func `a valid document is read`(document: String) throws {
        _ = try JSONParser.parse(document)
    }

    @Test(arguments: [
        ("", .unexpectedEnd(at: 0)), ("  ", .unexpectedEnd(at: 2)), ("[", .unexpectedEnd(at: 1)),
        ("[1", .unexpectedEnd(at: 2)), ("{\"a\"", .unexpectedEnd(at: 4)), ("\"abc", .unexpectedEnd(at: 4)),
        ("\"abc\\", .unexpectedEnd(at: 5)), ("tru", .unexpectedEnd(at: 3)), ("-", .unexpectedEnd(at: 1)),
        ("1.", .unexpectedEnd(at: 2)), ("1e", .unexpectedEnd(at: 2)), ("1e+", .unexpectedEnd(at: 3)),
        ("1 2", .trailingData(at: 2)), ("{}x", .trailingData(at: 2)), ("nullnull", .trailingData(at: 4)),
        ("[1,]", .unexpectedByte(at: 3)), ("{\"a\":1,}", .unexpectedByte(at: 7)), ("[,1]", .unexpectedByte(at: 1)),
        ("[1 2]", .unexpectedByte(at: 3)), ("{a:1}", .unexpectedByte(at: 1)), ("{1:1}", .unexpectedByte(at: 1)),
        ("{\"a\" 1}", .unexpectedByte(at: 5)), ("{\"a\":}", .unexpectedByte(at: 5)), ("]", .unexpectedByte(at: 0)),
        ("[1}", .unexpectedByte(at: 2)), ("{\"a\":1]", .unexpectedByte(at: 6)), ("'a'", .unexpectedByte(at: 0)),
        ("NaN", .unexpectedByte(at: 0)), ("Infinity", .unexpectedByte(at: 0)), ("nul1", .unexpectedByte(at: 3)),
        ("True", .unexpectedByte(at: 0)), ("// a\n1", .unexpectedByte(at: 0)), ("1/**/", .trailingData(at: 1)),
        ("[1/**/]", .unexpectedByte(at: 2)), ("\u{FEFF}{}", .unexpectedByte(at: 0)), ("+1", .unexpectedByte(at: 0)),
        (".5", .unexpectedByte(at: 0)), ("\u{0B}1", .unexpectedByte(at: 0)), ("\u{A0}1", .unexpectedByte(at: 0)),
        ("01", .invalidNumber(at: 1)), ("-01", .invalidNumber(at: 2)), ("00", .invalidNumber(at: 1)),
        ("1.e5", .invalidNumber(at: 2)), ("1ex", .invalidNumber(at: 2)), ("1e+x", .invalidNumber(at: 3)),
        ("-a", .invalidNumber(at: 1)), ("1.x", .invalidNumber(at: 2)), ("0x10", .trailingData(at: 1)),
        (#""\x""#, .invalidEscape(at: 1)), (#""\u12""#, .invalidEscape(at: 1)), (#""\u12G4""#, .invalidEscape(at: 1)),
        (#""\U0041""#, .invalidEscape(at: 1)), (#""\u+041""#, .invalidEscape(at: 1)), (#""a\é""#, .invalidEscape(at: 2)),
        (#""\uD800""#, .loneSurrogate(at: 1)), (#""\uDC00""#, .loneSurrogate(at: 1)),
        (#""\uD800\n""#, .loneSurrogate(at: 1)), (#""\uD800\uD800""#, .loneSurrogate(at: 1)),
        (#""\uD800\u12""#, .invalidEscape(at: 7)), (#""\uDE00\uD83D""#, .loneSurrogate(at: 1)),
        ("\"a\nb\"", .controlCharacter(at: 2)), ("\"\t\"", .controlCharacter(at: 1)), ("\"\0\"", .controlCharacter(at: 1)),
    ] as [(String, JSONError)])
    func `an invalid document is refused with the place`(document: String, expected: JSONError) {
        #expect(throws: expected) { try JSONParser.parse(document) }
    }

    @Test(arguments: [
        ([0x80], 0), ([0xC3], 0), ([0xC0, 0x80], 0), ([0x61, 0xE2, 0x82], 1), ([0xED, 0xA0, 0x80], 0),
        ([0xF5, 0x80, 0x80, 0x80], 0), ([0xF4, 0x90, 0x80, 0x80], 0), ([0xF0, 0x80, 0x80, 0xAF], 0), ([0xFF], 0),
        ([0x5C, 0x6E, 0xFF], 2),
    ] as [([UInt8], Int)])
    func `a string that is not UTF-8 is refused`(contents: [UInt8], fault: Int) {
        let document = [0x22] + contents + [0x22]
        #expect(throws: JSONError.invalidUTF8(at: 1 + fault)) { try JSONParser.parse(document) }
    }

    @Test func `bytes that are not UTF-8 outside a string are refused`() {
        #expect(throws: JSONError.unexpectedByte(at: 0)) { try JSONParser.parse([0xFF]) }
        #expect(throws: JSONError.trailingData(at: 1)) { try JSONParser.parse([0x31, 0x80]) }
    }

    @Test func `escapes become the characters they name`() throws {
        let value = try JSONParser.parse(#""a\"\\\/\b\f\n\r\t\u0000\u00e9\u20AC\ud83d\uDE00z""#)
        #expect(value == .string("a\"\\/\u{8}\u{C}\n\r\t\0é€😀z"))
    }

    @Test func `an escaped quote before the end does not end the string`() throws {
        #expect(try JSONParser.parse(#"["\\","\""]"#) == .array([.string("\\"), .string("\"")]))
    }

    @Test func `every prefix of a document is refused`() throws {
        let document = Array(#"{"a":[1,-2.5e3,true,false,null,"x\u00e9\ud83d\ude00é"],"b":{"c":{}},"d":[[]]}"#.utf8)
        _ = try JSONParser.parse(document)
        for length in document.indices {
            #expect(throws: JSONError.self, "\(length) bytes") { try JSONParser.parse(Array(document[..<length])) }
        }
    }

    @Test(arguments: [("[", "]"), (#"{"a":"#, "}")])
    func `nesting is allowed up to the limit`(open: String, close: String) throws {
        func nested(_ depth: Int) -> String {
            String(repeating: open, count: depth) + "0" + String(repeating: close, count: depth)
        }
        _ = try JSONParser.parse(nested(32))
        #expect(throws: JSONError.tooDeep(at: 32 * open.utf8.count)) { try JSONParser.parse(nested(33)) }
        _ = try JSONParser.parse(nested(512), limits: JSONLimits(maxDepth: 512))
        #expect(throws: JSONError.self) { try JSONParser.parse(String(repeating: open, count: 1_000_000)) }
    }

    @Test func `arrays beside each other are not depth`() throws {
        let many = "[" + Array(repeating: "[{}]", count: 100).joined(separator: ",") + "]"
        #expect(try JSONParser.parse(many).array?.count == 100)
    }

    @Test func `of duplicate names the last counts`() throws {
        let object = try #require(JSONParser.parse(#"{"a":1,"b":2,"a":3}"#).object)
        #expect(object["a"]?.int64 == 3)
        #expect(object.members.map(\.name) == ["a", "b", "a"])
        #expect(object.hasDuplicateNames)
    }

    @Test(arguments: [
        (#"{"a":1,"a":1}"#, 0), (#"[{"x":{"a":1,"b":2,"a":1}}]"#, 6), (#"{"a":1,"\u0061":1}"#, 0),
    ])
    func `duplicate names are refused at any depth when asked`(document: String, brace: Int) {
        #expect(throws: JSONError.duplicateName(at: brace)) { try JSONParser.parse(document, duplicates: .refuse) }
    }

    @Test func `names that are only canonically equivalent are no duplicates`() throws {
        let object = try #require(JSONParser.parse(#"{"\u00e9":1,"e\u0301":2}"#, duplicates: .refuse).object)
        #expect(object["\u{E9}"]?.int64 == 1)
        #expect(object["e\u{301}"]?.int64 == 2)
    }

    @Test func `a large object with and without a duplicate is judged quickly`() throws {
        let names = (0..<100_000).map { "\"n\($0)\":\($0)" }
        let unique = "{" + names.joined(separator: ",") + "}"
        #expect(try JSONParser.parse(unique, duplicates: .refuse).object?["n99999"]?.int64 == 99_999)
        let twice = "{" + names.joined(separator: ",") + ",\"n0\":0}"
        #expect(throws: JSONError.duplicateName(at: 0)) { try JSONParser.parse(twice, duplicates: .refuse) }
    }
}
