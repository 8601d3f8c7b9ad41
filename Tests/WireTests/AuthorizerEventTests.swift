import ChatWire
import JSONCoding
import Testing

struct AuthorizerEventTests {
    private func decode(_ json: String) throws(EventError) -> AuthorizerEvent { try AuthorizerEvent(decoding: Array(json.utf8)) }

    @Test(arguments: ["", "x", "[]", "{}", #"{"methodArn":""}"#, #"{"methodArn":5}"#, #"{"type":"TOKEN","methodArn":"arn"}"#, #"{"type":null,"methodArn":"arn"}"#])
    func `what no REQUEST authorizer is asked is refused`(json: String) {
        #expect(throws: EventError.self) { try decode(json) }
    }

    @Test func `only the method has to be there`() throws {
        let event = try decode(#"{"methodArn":"arn","queryStringParameters":{"token":"t"}}"#)
        #expect(event.methodARN == "arn")
        #expect(event.request.queryParameter("token") == "t")
        #expect(event.request.context.routeKey == "$connect")
    }

    @Test func `an answer is a policy of one statement`() {
        let allow = AuthorizerAnswer(.allow, principalID: "acme/a", methodARN: #"arn:"x""#, context: ["b": "2", "a": "é"])
        #expect(
            String(decoding: allow.encoded(), as: UTF8.self)
                == #"{"principalId":"acme/a","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"arn:\"x\""}]},"context":{"a":"é","b":"2"}}"#)
        let deny = AuthorizerAnswer(.deny, principalID: "refused", methodARN: "arn")
        #expect(
            String(decoding: deny.encoded(), as: UTF8.self)
                == #"{"principalId":"refused","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Deny","Resource":"arn"}]}}"#)
    }
}
