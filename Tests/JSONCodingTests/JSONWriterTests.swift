import JSONCoding
import Testing

struct JSONWriterTests {
    private func written(_ write: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        write(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test func `commas separate members and elements only`() {
        let text = written { json in
            json.beginObject()
            json.member("type", "message")
            json.member("seq", 42)
            json.member("absent", ifPresent: nil as String?)
            json.name("list")
            json.beginArray()
            json.number(1)
            json.beginArray()
            json.endArray()
            json.beginObject()
            json.endObject()
            json.bool(false)
            json.null()
            json.rawNumber("12345678901234567890")
            json.string("x")
            json.raw("{\"r\":1}".utf8)
            json.endArray()
            json.member("names", ["a", "b"])
            json.member("raw", raw: [0x31])
            json.member("last", true)
            json.endObject()
        }
        #expect(text == #"{"type":"message","seq":42,"list":[1,[],{},false,null,12345678901234567890,"x",{"r":1}],"#
            + #""names":["a","b"],"raw":1,"last":true}"#)
    }

    @Test(arguments: [
        ("plain é😀", #""plain é😀""#), ("\"\\/", #""\"\\/""#), ("a\nb\r\t\u{8}\u{C}", #""a\nb\r\t\b\f""#),
        ("\0\u{1F}\u{7F}", "\"\\u0000\\u001f\u{7F}\""), ("é\"é", #""é\"é""#), ("", #""""#),
    ])
    func `a string is escaped where it must be`(value: String, expected: String) {
        #expect(written { $0.string(value) } == expected)
        #expect(written { $0.beginObject(); $0.member(value, 1); $0.endObject() } == "{\(expected):1}")
    }

    @Test(arguments: [0, 7, -7, 10, 1_234_567_890, .max, .min] as [Int64])
    func `an integer is written in decimal`(value: Int64) {
        #expect(written { $0.number(value) } == String(value))
    }

    @Test func `a writer appends to what it was given and starts over`() {
        var writer = JSONWriter(appendingTo: [0x21])
        writer.number(1)
        #expect(writer.bytes == [0x21, 0x31])
        writer.reset()
        writer.number(2)
        #expect(writer.bytes == [0x32])
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `what is written is read back the same`(seed: UInt64) throws {
        var values = RandomJSON(seed: seed)
        for _ in 0..<500 {
            let value = values.value(depth: 5)
            var writer = JSONWriter()
            writer.value(value)
            #expect(try JSONParser.parse(writer.bytes) == value)
        }
    }

    @Test(arguments: [5, 6] as [UInt64])
    func `a document with a byte changed is read or refused, never worse`(seed: UInt64) {
        var values = RandomJSON(seed: seed)
        for _ in 0..<2000 {
            var writer = JSONWriter()
            writer.value(values.value(depth: 4))
            var bytes = writer.bytes
            bytes[values.below(bytes.count)] = UInt8(values.below(256))
            guard let value = try? JSONParser.parse(bytes) else { continue }
            var again = JSONWriter()
            again.value(value)
            #expect(try! JSONParser.parse(again.bytes) == value)
        }
    }
}

/// Values from a seed, so that a failure can be run again.
struct RandomJSON {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// splitmix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    mutating func value(depth: Int) -> JSONValue {
        switch below(depth > 0 ? 7 : 5) {
        case 0: .null
        case 1: .bool(below(2) == 0)
        case 2: .number(JSONNumber(Int64(bitPattern: next())))
        case 3: .number(JSONNumber(text: "-\(below(100)).\(below(1000))e\(below(40) - 20)")!)
        case 4: .string(string())
        case 5: .array((0..<below(5)).map { _ in value(depth: depth - 1) })
        default: .object(JSONObject((0..<below(20)).map { _ in (string(), value(depth: depth - 1)) }))
        }
    }

    private mutating func string() -> String {
        let alphabet: [String] = ["a", "Z", "\"", "\\", "/", "\n", "\0", "\u{1F}", "\u{7F}", "é", "e\u{301}", "€", "😀", "\u{2028}", " "]
        return (0..<below(12)).map { _ in alphabet[below(alphabet.count)] }.joined()
    }
}
