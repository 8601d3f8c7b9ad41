import Foundation

/// A folder that goes with the object, or at the latest with the process.
public final class TemporaryFolder: Sendable {
    public let path: String

    public init() throws {
        path = Self.parent + "/" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    public func file(_ name: String) -> String { path + "/" + name }

    public static func bytes(at path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path))) }
    public func bytes(_ name: String) throws -> [UInt8] { try Self.bytes(at: file(name)) }

    public func write(_ bytes: [UInt8], to name: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
    }

    public func copy(_ name: String, to other: TemporaryFolder) throws {
        try FileManager.default.copyItem(atPath: file(name), toPath: other.file(name))
    }

    public func mode(_ name: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: file(name))[.posixPermissions] as? Int
    }

    public var names: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() } }

    private static let prefix = "muster-tests-"

    /// All folders of this process. The last objects may outlive the tests, so it goes when the process does; what a
    /// process left that was killed goes when the next one begins.
    private static let parent: String = {
        let place = FileManager.default.temporaryDirectory.path
        for name in (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? [] where name.hasPrefix(prefix) {
            guard let process = pid_t(name.dropFirst(prefix.count)), kill(process, 0) != 0, errno == ESRCH else { continue }
            try? FileManager.default.removeItem(atPath: "\(place)/\(name)")
        }
        atexit { try? FileManager.default.removeItem(atPath: TemporaryFolder.parent) }
        return "\(place)/\(prefix)\(getpid())"
    }()
}
