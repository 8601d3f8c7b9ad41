import HTTPCodec
import Testing

@testable import AWSClient

@Suite struct RefusalTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var fields: HTTPFields = [:]
        let body: String
        let code: String
        let message: String
        var testDescription: String { body }
    }

    @Test(arguments: [
        Case(body: #"{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"no table"}"#, code: "ResourceNotFoundException", message: "no table"),
        Case(body: #"{"__type":"ThrottlingException","Message":"slow"}"#, code: "ThrottlingException", message: "slow"),
        Case(fields: ["x-amzn-ErrorType": "GoneException:http://internal.amazon.com/coral/com.amazon/"], body: "", code: "GoneException", message: ""),
        Case(fields: ["X-Amzn-Errortype": "ForbiddenException"], body: #"{"message":"Forbidden"}"#, code: "ForbiddenException", message: "Forbidden"),
        Case(body: #"{"code":"Throttling","message":"x"}"#, code: "Throttling", message: "x"),
        Case(body: "<html>bad gateway</html>", code: "", message: ""),
        Case(body: #"{"__type":42,"message":["x"]}"#, code: "", message: ""),
        Case(body: "[]", code: "", message: ""),
        Case(body: #"{"__type":"X","message":"\#(String(repeating: "é", count: 5000))"}"#, code: "X", message: String(repeating: "é", count: 1024)),
    ])
    func `the name and the text of an error`(_ example: Case) {
        let refusal = AWSRefusal(HTTPResponse(status: 400, fields: example.fields, body: Array(example.body.utf8)))
        #expect(refusal.code == example.code)
        #expect(refusal.message == example.message)
        #expect(refusal.body == Array(example.body.utf8))
    }

    @Test func `an answer that quotes the signed request is cut before it`() {
        let body = #"{"__type":"InvalidSignatureException","message":"It does not match.\n\nx-amz-security-token:TOKEN"}"#
        let refusal = AWSRefusal(HTTPResponse(status: 403, body: Array(body.utf8)))
        #expect(refusal.message == "It does not match.")
        #expect(refusal.body.isEmpty)
    }
}
