import HTTPCodec
import JSONCoding

extension AWSCredentials {
    /// Reads what a container's or an instance's endpoint answers; nil for anything else.
    init?(served body: [UInt8]) {
        guard body.count <= 65536, let answer = try? JSONParser.parse(body).object,
            let id = answer["AccessKeyId"]?.string, let secret = answer["SecretAccessKey"]?.string
        else { return nil }
        var expiration: Int64?
        if let text = answer["Expiration"]?.string {
            guard let time = SigningTime(iso8601: text) else { return nil }
            expiration = time.seconds
        }
        self.init(checking: id, secret, answer["Token"]?.string, expiration: expiration)
    }
}
