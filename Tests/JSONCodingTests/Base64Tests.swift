import JSONCoding
import Testing

struct Base64Tests {
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func `the vectors of RFC 4648 hold`(plain: String, encoded: String) {
        let bytes = Array(plain.utf8)
        let unpadded = String(encoded.prefix { $0 != "=" })
        #expect(Base64.encode(bytes, alphabet: .standard, padding: true) == encoded)
        #expect(Base64.encode(bytes, alphabet: .url, padding: false) == unpadded)
        #expect(Base64.decode(encoded, alphabet: .standard, padding: true) == bytes)
        #expect(Base64.decode(unpadded, alphabet: .url, padding: false) == bytes)
    }

    @Test func `the alphabets differ in their last two characters`() {
        let bytes: [UInt8] = [0xFB, 0xFF, 0xBF]
        #expect(Base64.encode(bytes, alphabet: .standard, padding: true) == "+/+/")
        #expect(Base64.encode(bytes, alphabet: .url, padding: true) == "-_-_")
        #expect(Base64.decode("-_-_", alphabet: .standard, padding: true) == nil)
        #expect(Base64.decode("+/+/", alphabet: .url, padding: false) == nil)
    }

    @Test(arguments: ["A", "AAAAA", "Zg==", "Zh", "Zm9", "Zm 9", "Zm9v\n", "é", "Zm9v.", "=", "===="])
    func `what is not canonical without padding is refused`(text: String) {
        #expect(Base64.decode(text, alphabet: .url, padding: false) == nil)
    }

    @Test(arguments: ["Zg", "Zg=", "Zg===", "=", "====", "A===", "Zh==", "Zm9=", "Zg==Zg==", "Z=g=", "Zm9v=", "Zm9v===="])
    func `what is not canonical with padding is refused`(text: String) {
        #expect(Base64.decode(text, alphabet: .standard, padding: true) == nil)
    }

    @Test func `every length and byte comes back`() {
        for length in 0..<300 {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ length) }
            for (alphabet, padding) in [(Base64.Alphabet.standard, true), (.url, false), (.url, true), (.standard, false)] {
                let text = Base64.encode(bytes, alphabet: alphabet, padding: padding)
                #expect(Base64.decode(text, alphabet: alphabet, padding: padding) == bytes)
            }
        }
    }
}
