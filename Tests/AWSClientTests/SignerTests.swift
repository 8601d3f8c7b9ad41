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
