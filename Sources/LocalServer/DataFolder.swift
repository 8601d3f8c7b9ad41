import CLinux
import ChatModel
import Glibc
import JSONCoding

/// The folder that holds a server's database and, when no key is configured, its generated secret.
///
/// The folder itself is locked while a server runs on it; the kernel lets go of it however the process ends.
public final class DataFolder: Sendable {
    public let path: String
    private let descriptor: CInt

    public var databasePath: String { path + "/chat.sqlite" }
    private var secretPath: String { path + "/dev-secret" }

    /// Makes the folder and those above it if there are none, and takes it for this process.
    public convenience init(_ path: String) throws(ServerError) {
        try DataFolder.make(path)
        guard let descriptor = try DataFolder.lock(path) else {
            throw ServerError("another muster serves the data folder \(path); stop it or choose another with --data")
        }
        self.init(path, descriptor)
    }

    /// Takes a folder that is there for this process; nil if another has it.
    convenience init?(ifFree path: String) throws(ServerError) {
        guard let descriptor = try DataFolder.lock(path) else { return nil }
        self.init(path, descriptor)
    }

    private init(_ path: String, _ descriptor: CInt) {
        self.path = path
        self.descriptor = descriptor
    }

    /// - Returns: the locked folder; nil if another process has it.
    private static func lock(_ path: String) throws(ServerError) -> CInt? {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ServerError("cannot open the data folder \(path): \(systemError(errno)); choose another with --data")
        }
        var isTaken = false
        defer { if !isTaken { _ = close(descriptor) } }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            if errno == EWOULDBLOCK { return nil }
            throw ServerError("cannot lock the data folder \(path): \(systemError(errno))")
        }
        guard unsafe access(path, W_OK) == 0 else {
            throw ServerError("cannot write to the data folder \(path): \(systemError(errno)); choose another with --data")
        }
        isTaken = true
        return descriptor
    }

    /// Lets another process take the folder.
    func release() { _ = flock(descriptor, LOCK_UN) }

    deinit { _ = close(descriptor) }

    private static func make(_ path: String) throws(ServerError) {
        var made = unsafe mkdir(path, 0o700)
        if made != 0, errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex {
            try make(String(path[..<slash]))
            made = unsafe mkdir(path, 0o700)
        }
        guard made == 0 || errno == EEXIST else {
            throw ServerError("cannot make the data folder \(path): \(systemError(errno)); choose another with --data")
        }
        // One that was there may be of a run that died before it came to this, or in a folder that is not ours to read.
        guard DataFolder.syncNames(besides: path) || made != 0 else {
            throw ServerError("cannot sync the folder of \(path): \(systemError(errno)); choose another with --data")
        }
    }

    /// Has the disk keep a folder's name: what is synced within it is lost with it otherwise. SQLite does this for its files.
    private static func syncNames(besides path: String) -> Bool {
        let parent = unsafe open(path + "/..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard parent >= 0 else { return false }
        defer { _ = close(parent) }
        // Some file systems have nothing to sync of a folder.
        return fsync(parent) == 0 || errno == EINVAL
    }

    /// The folder's own secret, generated on first use and readable by its owner only. It is there whole or not at all.
    public func secret() throws(ServerError) -> String {
        if let secret = try DataFolder.secret(in: path) { return secret }
        var random = SystemRandomNumberGenerator()
        let bytes = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
        let secret = Base64.encode(bytes, alphabet: .url, padding: false)
        // What an earlier start left half-written goes, and so does a file that somebody laid out to read the secret from.
        _ = unsafe unlink(secretPath + ".new")
        let file = unsafe open(secretPath + ".new", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw cannotWriteSecret(errno) }
        defer { _ = close(file) }
        let text = Array((secret + "\n").utf8)
        let written = unsafe write(file, text, text.count)
        guard written == text.count else { throw cannotWriteSecret(written < 0 ? errno : ENOSPC) }
        guard fsync(file) == 0, unsafe rename(secretPath + ".new", secretPath) == 0, fsync(descriptor) == 0 else {
            throw cannotWriteSecret(errno)
        }
        return secret
    }

    private func cannotWriteSecret(_ number: CInt) -> ServerError {
        ServerError("cannot write \(secretPath): \(systemError(number)); free some space, or choose another data folder with --data")
    }

    /// The secret that a server generated in a folder; nil if there is none.
    public static func secret(in path: String) throws(ServerError) -> String? {
        let secretPath = path + "/dev-secret"
        let file = unsafe open(secretPath, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw ServerError("cannot read \(secretPath): \(systemError(errno))")
        }
        defer { _ = close(file) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe read(file, &bytes, bytes.count)
        guard count >= 0, let text = String(validating: bytes.prefix(count), as: UTF8.self) else {
            throw ServerError("cannot read \(secretPath): \(systemError(errno))")
        }
        return text.split(whereSeparator: \.isWhitespace).first.map(String.init)
    }
}

/// Why a server cannot start: one line that says what to do.
public struct ServerError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}

/// The system's words for an errno.
public func systemError(_ number: CInt) -> String { unsafe String(cString: strerror(number)) }
