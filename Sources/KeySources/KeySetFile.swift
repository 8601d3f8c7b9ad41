import ChatHandlers
import Glibc
import Tokens

/// A key set in a file, which may hold secrets beside public keys.
struct KeySetFile: KeySource {
    let name: String
    var mayHoldSecrets: Bool { true }

    init(_ path: String) { name = path }

    func fetch() async throws(KeySetFailure) -> [UInt8] {
        // Whatever it is, opening and reading it must not wait for another.
        let descriptor = unsafe open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { throw .unreadable(Self.words(errno)) }
        defer { _ = close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .unreadable(Self.words(errno)) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .unreadable("not a file") }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 16384)
        while true {
            let count = unsafe read(descriptor, &part, part.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .unreadable(Self.words(errno)) }
            if count == 0 { return bytes }
            bytes.append(contentsOf: part[..<count])
            guard bytes.count <= JWKSet.maxBytes else { throw .unreadable("more than \(JWKSet.maxBytes) bytes") }
        }
    }

    private static func words(_ number: CInt) -> String { unsafe String(cString: strerror(number)) }
}
