import ChatWire
import JSONCoding
import Testing

struct ProxyResponseTests {
    @Test(arguments: [
        ProxyResponse(), ProxyResponse(statusCode: 401), ProxyResponse(body: []),
        ProxyResponse(headers: ["Sec-WebSocket-Protocol": "muster.v1"]),
        ProxyResponse(statusCode: 599, headers: ["A": "1", "B": ""], body: Array(#"{"type":"left"}"#.utf8)),
        ProxyResponse(statusCode: 100, body: Array("\u{E9}\u{1F600}\n\"\u{0}".utf8)),
    ])
    func `an answer is read as it was written`(response: ProxyResponse) throws {
        #expect(try ProxyResponse(decoding: response.encoded()) == response)
    }

    @Test func `an answer without a body has none`() {
        #expect(String(decoding: ProxyResponse().encoded(), as: UTF8.self) == #"{"statusCode":200}"#)
    }

    @Test(arguments: [
        "", "null", #""ok""#, "{}", #"{"statusCode":"200"}"#, #"{"statusCode":200.5}"#, #"{"statusCode":99}"#,
        #"{"statusCode":600}"#, #"{"statusCode":-200}"#, #"{"statusCode":1e30}"#, #"{"errorMessage":"x","errorType":"y"}"#,
        #"{"statusCode":200,"body":"%","isBase64Encoded":true}"#,
    ])
    func `a malformed answer is refused`(json: String) {
        #expect(throws: EventError.self) { try ProxyResponse(decoding: Array(json.utf8)) }
    }

    @Test func `an answer is read leniently where it may be`() throws {
        let json = #"{"statusCode":2e2,"headers":{"A":1,"B":null},"body":null,"cookies":[]}"#
        #expect(try ProxyResponse(decoding: Array(json.utf8)) == ProxyResponse(headers: ["A": "1"]))
        let binary = #"{"statusCode":200,"body":"/wA=","isBase64Encoded":true}"#
        #expect(try ProxyResponse(decoding: Array(binary.utf8)).body == [0xFF, 0x00])
    }
}
