import HTTPCodec
import Synchronization

/// Signs requests with Signature Version 4, HMAC-SHA256 by libcrypto.
///
/// The signing key is derived once for a day, region, service and credentials.
/// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
public final class RequestSigner: Sendable {
    /// What a request gets, and how it came about.
    public struct Signature: Equatable, Sendable {
        /// The value of `Authorization`.
        public let authorization: String
        /// What is sent beside the request's own fields: `X-Amz-Date`, `X-Amz-Security-Token` and `Authorization`.
        public let fields: HTTPFields
        let canonicalRequest: [UInt8]
        let stringToSign: [UInt8]
    }

    fileprivate struct DerivedKey: Sendable {
        let day: ArraySlice<UInt8>
        let credentials: AWSCredentials
        let hash: KeyedHash
        /// `20150830/us-east-1/service/aws4_request`.
        let scope: [UInt8]
    }

    public let region: String
    /// As signatures name it: `dynamodb`, `execute-api`.
    public let service: String
    private let derived = Mutex<DerivedKey?>(nil)

    public init(region: String, service: String) {
        self.region = region
        self.service = service
    }

    /// - Parameters:
    ///   - target: the path as it is sent, encoded once, and after a `?` the query.
    ///   - fields: those of the request that are to be signed, with `Host`, and without `X-Amz-Date`, `X-Amz-Security-Token`
    ///     and `Authorization`.
    public func sign(
        method: String, target: String, fields: HTTPFields, body: [UInt8], credentials: AWSCredentials, at time: SigningTime
    ) -> Signature {
        let shared = share(method: method, fields: fields, body: body, credentials: credentials, at: time)
        let covered = cover(target, shared)
        let authorization = authorization(covered, shared)
        var fields = shared.fields
        fields.add("Authorization", authorization)
        return Signature(
            authorization: authorization, fields: fields, canonicalRequest: covered.canonical.bytes,
            stringToSign: covered.stringToSign)
    }

    /// What the signatures of requests have in common that differ in their target only.
    struct Shared: Sendable {
        fileprivate let method: String
        fileprivate let time: SigningTime
        fileprivate let accessKeyID: String
        fileprivate let key: DerivedKey
        fileprivate let rest: CanonicalRequest.Rest
        /// `X-Amz-Date` and `X-Amz-Security-Token`.
        let fields: HTTPFields
    }

    func share(
        method: String, fields: HTTPFields, body: [UInt8], credentials: AWSCredentials, at time: SigningTime
    ) -> Shared {
        var added = HTTPFields()
        added.add("X-Amz-Date", String(decoding: time.text, as: UTF8.self))
        if let token = credentials.sessionToken { added.add("X-Amz-Security-Token", token) }
        var signed = fields
        for field in added { signed.add(field.name, field.value) }
        return Shared(
            method: method, time: time, accessKeyID: credentials.accessKeyID, key: key(for: credentials, on: time),
            rest: CanonicalRequest.Rest(fields: signed, body: body), fields: added)
    }

    /// The value of `Authorization` for one of them.
    func authorization(target: String, _ shared: Shared) -> String { authorization(cover(target, shared), shared) }

    private func cover(_ target: String, _ shared: Shared) -> (canonical: CanonicalRequest, stringToSign: [UInt8]) {
        let canonical = CanonicalRequest(method: shared.method, target: target, rest: shared.rest)
        var stringToSign: [UInt8] = []
        stringToSign.reserveCapacity(160)
        stringToSign.append(contentsOf: "AWS4-HMAC-SHA256\n".utf8)
        stringToSign.append(contentsOf: shared.time.text)
        stringToSign.append(UInt8(ascii: "\n"))
        stringToSign.append(contentsOf: shared.key.scope)
        stringToSign.append(UInt8(ascii: "\n"))
        Hexadecimal.append(SHA256.digest(canonical.bytes), to: &stringToSign)
        return (canonical, stringToSign)
    }

    private func authorization(_ covered: (canonical: CanonicalRequest, stringToSign: [UInt8]), _ shared: Shared) -> String {
        var authorization: [UInt8] = []
        authorization.reserveCapacity(320)
        authorization.append(contentsOf: "AWS4-HMAC-SHA256 Credential=".utf8)
        authorization.append(contentsOf: shared.accessKeyID.utf8)
        authorization.append(UInt8(ascii: "/"))
        authorization.append(contentsOf: shared.key.scope)
        authorization.append(contentsOf: ", SignedHeaders=".utf8)
        authorization.append(contentsOf: covered.canonical.signedFields)
        authorization.append(contentsOf: ", Signature=".utf8)
        Hexadecimal.append(shared.key.hash.code(over: covered.stringToSign), to: &authorization)
        return String(decoding: authorization, as: UTF8.self)
    }

    private func key(for credentials: AWSCredentials, on time: SigningTime) -> DerivedKey {
        if let key = derived.withLock({ $0 }), key.day == time.day, key.credentials == credentials { return key }
        var code = KeyedHash(key: Array("AWS4\(credentials.secretAccessKey)".utf8)).code(over: Array(time.day))
        var scope = Array(time.day)
        for part in [region, service, "aws4_request"] {
            code = KeyedHash(key: code).code(over: Array(part.utf8))
            scope.append(UInt8(ascii: "/"))
            scope.append(contentsOf: part.utf8)
        }
        let key = DerivedKey(day: time.day, credentials: credentials, hash: KeyedHash(key: code), scope: scope)
        derived.withLock { $0 = key }
        return key
    }
}
