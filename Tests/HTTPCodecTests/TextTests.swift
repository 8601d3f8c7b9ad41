import HTTPCodec
import Testing

@Suite struct TextTests {
    static let decodings: [(String, String?)] = [
        ("", ""), ("abc", "abc"), ("a%3Db", "a=b"), ("a%3db", "a=b"), ("%25 41", "% 41"), ("%2541", "%41"),
        ("a+b", "a+b"), ("%C3%A9", "é"), ("%C3", nil), ("%", nil), ("%4", nil), ("%zz", nil), ("%+1", nil), ("%ED%A0%80", nil),
    ]

    @Test(arguments: decodings) func `percent-encoding is decoded once and strictly`(_ text: String, _ expected: String?) {
        #expect(PercentCoding.decoded(text) == expected)
    }

    @Test func `a plus is a space only where a form is read`() {
        #expect(PercentCoding.decoded("a+b%2B", plusIsSpace: true) == "a b+")
    }

    @Test func `encoding leaves the unreserved characters and is undone by decoding`() {
        #expect(PercentCoding.encoded("aZ09-._~") == "aZ09-._~")
        #expect(PercentCoding.encoded("a=/+ é") == "a%3D%2F%2B%20%C3%A9")
        let all = String((0..<128).map { Character(Unicode.Scalar($0)) })
        #expect(PercentCoding.decoded(PercentCoding.encoded(all)) == all)
    }

    @Test func `a query gives its items in order`() {
        let items = QueryItem.parse("token=a.b-c&x&&y=1=2&token=%C3%A9+&=v")
        #expect(
            items == [
                QueryItem(name: "token", value: "a.b-c"), QueryItem(name: "x", value: ""),
                QueryItem(name: "y", value: "1=2"), QueryItem(name: "token", value: "é+"), QueryItem(name: "", value: "v"),
            ])
        #expect(QueryItem.parse("") == [])
        #expect(QueryItem.parse("a=%") == nil)
        #expect(QueryItem.parse("%FF=a") == nil)
    }

    @Test func `fields keep their order and compare names without case`() {
        var fields: HTTPFields = ["A": "1", "b": "2", "a": "3"]
        #expect(fields.all("a") == ["1", "3"])
        #expect(fields.first("B") == "2")
        #expect(fields.first("c") == nil)
        fields.set("A", "4")
        #expect(fields.map(\.value) == ["2", "4"])
        let lists: HTTPFields = ["Connection": " keep-alive ,, Upgrade", "connection": "foo"]
        #expect(lists.tokens("connection") == ["keep-alive", "Upgrade", "foo"])
        #expect(lists.contains("Connection", token: "UPGRADE"))
        #expect(!lists.contains("Connection", token: "up"))
    }
}
