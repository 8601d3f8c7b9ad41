import JSONCoding
import Testing

/// Strings are looked at in words of eight bytes, so that what is special is special at every place in a word.
struct PlainRunTests {
    private static let length = 19

    private func contents(_ byte: UInt8, at place: Int, around filler: UInt8) -> [UInt8] {
        var contents = [UInt8](repeating: filler, count: Self.length)
        contents[place] = byte
        return contents
    }

    @Test(arguments: 0..<length)
    func `a control character is refused anywhere`(place: Int) {
        for byte in 0..<UInt8(0x20) {
            let document = [0x22] + contents(byte, at: place, around: 0x61) + [0x22]
            #expect(throws: JSONError.controlCharacter(at: place + 1)) { try JSONParser.parse(document) }
        }
    }

    @Test(arguments: 0..<length)
    func `every ASCII character is written and read back anywhere`(place: Int) throws {
        // A filler just above and just below what is special would show a borrow between bytes.
        for filler: UInt8 in [0x20, 0x21, 0x23, 0x5B, 0x5D, 0x7F] {
            for byte in 0..<UInt8(0x80) {
                let value = String(decoding: contents(byte, at: place, around: filler), as: UTF8.self)
                var json = JSONWriter()
                json.string(value)
                #expect(try JSONParser.parse(json.bytes) == .string(value))
            }
        }
    }

    @Test(arguments: 0..<length)
    func `a quote ends a string anywhere`(place: Int) {
        let document = [0x22] + contents(0x22, at: place, around: 0x21) + [0x22]
        #expect(throws: JSONError.trailingData(at: place + 2)) { try JSONParser.parse(document) }
    }
}
