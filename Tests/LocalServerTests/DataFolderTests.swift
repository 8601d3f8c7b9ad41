import Glibc
import TestSupport
import Testing

@testable import LocalServer

/// The folder of a server: one server at a time, and a secret for its owner only.
@Suite struct DataFolderTests {
    private let place: TemporaryFolder
    private var path: String { place.path }

    init() throws { place = try TemporaryFolder() }

    private func mode(_ path: String) -> mode_t {
        var info = stat()
        #expect(stat(path, &info) == 0)
        return info.st_mode & 0o777
    }

    @Test func `the folder is made for its owner and a second server is refused until the first lets go`() throws {
        var first: DataFolder? = try DataFolder(path + "/data")
        #expect(mode(path + "/data") == 0o700)
        #expect(first?.databasePath == path + "/data/chat.sqlite")
        let refused = #expect(throws: ServerError.self) { try DataFolder(path + "/data") }
        #expect(refused?.description.contains("another muster serves") == true)
        first = nil
        #expect(throws: Never.self) { try DataFolder(path + "/data") }
    }

    @Test func `the secret is made once, of 32 random bytes, readable by its owner`() throws {
        #expect(try DataFolder.secret(in: path + "/data") == nil)
        let folder = try DataFolder(path + "/data")
        #expect(try DataFolder.secret(in: path + "/data") == nil)
        let secret = try folder.secret()
        #expect(secret.utf8.count == 43)
        #expect(mode(path + "/data/dev-secret") == 0o600)
        #expect(try folder.secret() == secret)
        #expect(try DataFolder.secret(in: path + "/data") == secret)
    }

    @Test func `a server's address is its owner's to read, until it is removed`() throws {
        let folder = try DataFolder(path + "/data")
        #expect(DataFolder.managementAddress(in: path + "/data") == nil)
        for (host, left) in [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("0.0.0.0", "127.0.0.1"), ("::", "127.0.0.1")] {
            try folder.leaveAddress(host: host, port: 8081)
            let found = DataFolder.managementAddress(in: path + "/data")
            #expect(found?.host == left && found?.port == 8081)
        }
        #expect(mode(path + "/data/management") == 0o600)
        folder.removeAddress()
        #expect(DataFolder.managementAddress(in: path + "/data") == nil)
    }

    @Test func `a folder is free when no other process has it`() throws {
        let first = try DataFolder(path + "/data")
        #expect(try DataFolder(ifFree: path + "/data") == nil)
        first.release()
        #expect(try DataFolder(ifFree: path + "/data") != nil)
        #expect(throws: ServerError.self) { try DataFolder(ifFree: path + "/none") }
    }

    @Test func `a folder that cannot be made is an error with its path`() {
        let refused = #expect(throws: ServerError.self) { try DataFolder("/dev/null/folder") }
        #expect(refused?.description.contains("/dev/null/folder") == true)
    }
}
