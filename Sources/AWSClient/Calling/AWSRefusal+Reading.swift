import HTTPCodec
import JSONCoding

extension AWSRefusal {
    /// Reads an answer that is no success.
    ///
    /// The name is in `X-Amzn-ErrorType` (`Name:uri`), in `__type` (`namespace#Name`) or in `code`, and the text in `message`
    /// or `Message`. A body that is no JSON, as a proxy on the way answers, has neither.
    init(_ response: HTTPResponse) {
        let body = response.body.count > Self.maxReadBytes ? nil : try? JSONParser.parse(response.body).object
        let name = response.fields.first("X-Amzn-ErrorType") ?? body?["__type"]?.string ?? body?["code"]?.string ?? ""
        let message = body?["message"]?.string ?? body?["Message"]?.string ?? ""
        self.init(
            status: response.status, code: Self.code(name), message: String(message.unicodeScalars.prefix(Self.maxMessageScalars)),
            body: response.body)
        if Self.repeatsTheRequest.contains(code) {
            // These quote the canonical request, a session token included.
            self.message = String(self.message.prefix { !$0.isNewline })
            self.body = []
        }
    }

    private static let maxReadBytes = 8 << 20
    private static let maxMessageScalars = 1024
    private static let maxCodeBytes = 128
    private static let repeatsTheRequest: Set<String> = ["InvalidSignatureException", "SignatureDoesNotMatch"]

    private static func code(_ name: String) -> String {
        var rest = name.utf8[...]
        if let colon = rest.firstIndex(of: UInt8(ascii: ":")) { rest = rest[..<colon] }
        if let hash = rest.lastIndex(of: UInt8(ascii: "#")) { rest = rest[rest.index(after: hash)...] }
        return String(Substring(rest.prefix(maxCodeBytes)))
    }
}
