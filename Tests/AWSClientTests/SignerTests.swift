import Foundation
import HTTPCodec
import Testing

@testable import AWSClient

/// The public vectors, from botocore's tests/unit/auth/aws4_testsuite.
@Suite struct VectorTests {
    static let folder = ProcessInfo.processInfo.environment["MUSTER_SIGV4_VECTORS"]

    struct Vector: CustomTestStringConvertible {
        let path: String
        var testDescription: String { path }

        func text(_ kind: String) throws -> String {
            try String(contentsOfFile: "\(path)/\((path as NSString).lastPathComponent).\(kind)", encoding: .utf8)
                .replacingOccurrences(of: "\r\n", with: "\n")
        }

        /// Method, target, fields and body. Folded lines go with the field they continue.
        func request() throws -> (method: String, target: String, fields: HTTPFields, body: [UInt8]) {
            let text = try text("req")
            let parts = text.components(separatedBy: "\n\n")
            let lines = parts[0].components(separatedBy: "\n")
            let first = lines[0].components(separatedBy: " ")
            var fields: [(String, String)] = []
            for line in lines.dropFirst() where !line.isEmpty {
                if line.hasPrefix(" ") {
                    fields[fields.count - 1].1 += "\n" + line
                } else {
                    let colon = try #require(line.firstIndex(of: ":"))
                    fields.append((String(line[..<colon]), String(line[line.index(after: colon)...])))
                }
            }
            var all = HTTPFields()
            for field in fields { all.add(field.0, field.1) }
            let body = parts.dropFirst().joined(separator: "\n\n")
            return (first[0], first[1..<(first.count - 1)].joined(separator: " "), all, Array(body.utf8))
        }
    }

    static let vectors: [Vector] = {
        guard let folder, let files = FileManager.default.enumerator(atPath: folder) else { return [] }
        return files.compactMap { $0 as? String }.filter { $0.hasSuffix(".req") }.sorted()
            .map { Vector(path: folder + "/" + ($0 as NSString).deletingLastPathComponent) }
    }()

    @Test(.enabled(if: folder != nil)) func `there are vectors`() {
        #expect(Self.vectors.count >= 30)
    }

    @Test(arguments: vectors) func `a public vector is signed as it says`(_ vector: Vector) throws {
        var (method, target, fields, body) = try vector.request()
        let canonical = try vector.text("creq")
        fields.remove("X-Amz-Date")
        // Its one case that is not signed has the token in the request already, and is sent beside the signature.
        let sent = try vector.text("sreq")
        var token: String?
        for line in sent.components(separatedBy: "\n") where line.lowercased().hasPrefix("x-amz-security-token:") {
            token = line.components(separatedBy: ":").dropFirst().joined(separator: ":").trimmingCharacters(in: .whitespaces)
        }
        fields.remove("X-Amz-Security-Token")
        if !canonical.contains("x-amz-security-token:") { token = nil }
        let credentials = AWSCredentials(
            accessKeyID: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", sessionToken: token)
        let signature = RequestSigner(region: "us-east-1", service: "service").sign(
            method: method, target: target, fields: fields, body: body, credentials: credentials,
            at: SigningTime(seconds: 1_440_938_160))
        #expect(String(decoding: signature.canonicalRequest, as: UTF8.self) == canonical)
        #expect(String(decoding: signature.stringToSign, as: UTF8.self) == (try vector.text("sts")))
        #expect(signature.authorization == (try vector.text("authz")))
    }
}

@Suite struct SignerTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var method = "POST"
        var target = "/"
        var fields: HTTPFields = [:]
        var body = ""
        let service: String
        var token: String?
        /// As it is signed.
        var path = "/"
        /// By botocore 1.43.
        let signature: String
        var testDescription: String { "\(method) \(target) \(service)" }
    }

    static let json: HTTPFields = ["Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.GetItem"]
    static let batch: HTTPFields = ["Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.SendMessageBatch"]

    static func sign(_ signer: RequestSigner, _ example: Case, at seconds: Int64 = 1_795_291_200) -> RequestSigner.Signature {
        var fields = example.fields
        fields.add("Host", "host.example")
        let credentials = AWSCredentials(
            accessKeyID: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", sessionToken: example.token)
        return signer.sign(
            method: example.method, target: example.target, fields: fields, body: Array(example.body.utf8), credentials: credentials,
            at: SigningTime(seconds: seconds))
    }

    static func canonicalPath(_ signature: RequestSigner.Signature) -> String {
        String(String(decoding: signature.canonicalRequest, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)[1])
    }

    static let known = [
        Case(
            target: "/dev/@connections/abc%3D", body: "hello", service: "execute-api", path: "/dev/%40connections/abc%253D",
            signature: "5d42764354304fbb6bb8359d755702f64aa42170bc2ff228d2d6ae60d0142538"),
        Case(fields: json, body: "{}", service: "dynamodb", signature: "ecf7844ea6293ab10c69edb35bc553ff1f020376b1d0d5c1aa90640133a77304"),
        Case(
            fields: batch, body: #"{"a":1}"#, service: "sqs", token: "session/token+==",
            signature: "846416942f8c55913a9f56dc254025c28b3011ee0d09902c16d50fecccffc254"),
        Case(
            method: "DELETE", target: "/dev/@connections/a-_~b%2F%3D", service: "execute-api", token: "t",
            path: "/dev/%40connections/a-_~b%252F%253D", signature: "0783eb1e048b090cfc3b2a16a96bcf071743893527b15f29db2d9a75a1ef598a"),
        Case(
            method: "GET", target: "/a//b/./c/../d%20e/", fields: ["X-B": "  two   blanks "], service: "execute-api",
            path: "/a/b/d%2520e/", signature: "46704ace165895802e4d558664011df731c36508980e8a3d0dcb1ae9b80330fc"),
    ]

    @Test(arguments: known) func `a known signature`(_ example: Case) {
        let signature = Self.sign(RequestSigner(region: "eu-west-1", service: example.service), example)
        #expect(Self.canonicalPath(signature) == example.path)
        #expect(signature.authorization.hasSuffix(", Signature=\(example.signature)"))
        #expect(signature.fields.first("X-Amz-Security-Token") == example.token)
        #expect(signature.fields.first("X-Amz-Date") == "20261121T200000Z")
    }

    @Test func `a signer's memory does not outlive the day or the credentials`() {
        let signer = RequestSigner(region: "eu-west-1", service: "sqs")
        for day in [0, 1, 0] as [Int64] {
            for token in [nil, "a", nil] as [String?] {
                let example = Case(service: "sqs", token: token, signature: "")
                let time = 1_795_291_200 + day * 86400
                let fresh = RequestSigner(region: "eu-west-1", service: "sqs")
                #expect(Self.sign(signer, example, at: time) == Self.sign(fresh, example, at: time))
            }
        }
    }
}
