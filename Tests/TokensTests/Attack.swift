import Testing

@testable import Tokens

/// A token that has to be refused, and for what.
struct Attack: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let expected: TokenError
    let token: String

    init(_ name: String, _ expected: TokenError, token: String) {
        (testDescription, self.expected, self.token) = (name, expected, token)
    }

    init(_ name: String, _ expected: TokenError, header: String = Signing.header, payload: String = Signing.payload()) {
        self.init(name, expected, token: try! Signing.token(header: header, payload: payload))
    }

    /// A valid token with one claim more.
    init(_ name: String, _ expected: TokenError, claim: String) {
        self.init(name, expected, payload: Signing.payload(claim))
    }

    /// A valid token with one header member more.
    init(_ name: String, _ expected: TokenError, member: String) {
        self.init(name, expected, header: #"{"alg":"HS256",\#(member)}"#)
    }

    static let valid = try! Signing.token(payload: Signing.payload())
    static let parts = valid.split(separator: ".").map(String.init)
}
