import ChatHandlers
import Foundation
import Testing
import Tokens

@testable import KeySources

/// What `MUSTER_JWKS` may say, and what is read of it.
@Suite struct KeySourceTests {
    private func source(_ text: String) throws -> (any KeySource)? {
        try ServiceEnvironment(["MUSTER_JWKS": text]).keySource()
    }

    @Test(arguments: [
        "https://issuer.example/.well-known/jwks.json", "https://issuer.example", "https://issuer.example:8443/a/b/",
        "https://[2001:db8::1]:8443/keys", "https://issuer.example/keys?p=policy&v=2.0", "http://127.0.0.1:8000/keys",
        "http://127.200.3.4/keys", "http://localhost/keys", "http://[::1]:80/keys?a=b",
    ])
    func `a URL by which nobody in between can change the keys`(url: String) throws {
        let source = try #require(try source(url))
        #expect(source.name == url.prefix { $0 != "?" })
        #expect(!source.mayHoldSecrets)
    }

    @Test(arguments: [
        "http://issuer.example/keys", "http://127.evil.example/keys", "http://127.0.0.1.evil.example/", "http://localhost.evil.example/",
        "http://127.0.0/keys", "http://127.0.0.256/", "http://10.0.0.1/", "http://0.0.0.0/", "ftp://issuer.example/keys", "file:///etc/keys",
        "https://", "https:///keys", "https://user:password@issuer.example/keys", "https://issuer.example/keys#1",
        "https://issuer.example/a b", "https://issuer.example/?a b", "https://issuer.example:0/", "https://issuer.example:99999/",
        "https://issuer.example/\u{301}", "HTTPS://issuer.example/", "https://issuer.example/?" + String(repeating: "a", count: 2049),
        "https://issuer.example/" + String(repeating: "a", count: 3000),
    ])
    func `a URL by which they could is refused, and not repeated`(url: String) throws {
        let error = #expect(throws: SettingError.self) { try source(url) }
        #expect(error?.description.hasPrefix("MUSTER_JWKS is no URL of a key set: give ") == true)
        #expect(error?.description.contains("password") == false)
    }

    @Test func `without the setting there is none, and what is no URL is a path`() throws {
        #expect(try ServiceEnvironment([:]).keySource() == nil)
        #expect(try source("") == nil)
        let file = try #require(try source("keys/jwks.json"))
        #expect(file.name == "keys/jwks.json" && file.mayHoldSecrets)
    }

    private func failure(_ path: String) async throws -> KeySetFailure? {
        do throws(KeySetFailure) {
            _ = try await KeySetFile(path).fetch()
            return nil
        } catch {
            return error
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a file is read whole, and nothing else is`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "keys-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "jwks.json").path
        for count in [0, 1, 16384, 100_000, JWKSet.maxBytes] {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            try Data(bytes).write(to: URL(filePath: path))
            #expect(try await KeySetFile(path).fetch() == bytes)
        }
        try Data(count: JWKSet.maxBytes + 1).write(to: URL(filePath: path))
        #expect(try await failure(path) == .unreadable("more than \(JWKSet.maxBytes) bytes"))
        #expect(try await failure(folder.appending(path: "none").path) == .unreadable("No such file or directory"))
        #expect(try await failure(folder.path) == .unreadable("not a file"))
        #expect(try await failure("/dev/zero") == .unreadable("not a file"))
        // Nobody writes to it, and nobody waits for that.
        let pipe = folder.appending(path: "pipe").path
        try #require(mkfifo(pipe, 0o600) == 0)
        #expect(try await failure(pipe) == .unreadable("not a file"))
    }
}
