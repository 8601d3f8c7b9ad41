import Glibc

/// A file that a report will be written to, opened before the run so that a wrong path costs nobody a run.
public final class ReportFile {
    private let path: String
    private let descriptor: CInt
    /// Whether the file was there before.
    private let isNew: Bool
    private var isWritten = false

    /// What the file holds is kept until ``write(_:)``.
    public init(_ path: String) throws(LoadError) {
        self.path = path
        isNew = unsafe access(path, F_OK) != 0
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .unwritable(path: path, reason: systemError(errno)) }
    }

    deinit {
        _ = close(descriptor)
        // A run that never came to its report leaves nothing behind.
        if isNew, !isWritten { unsafe unlink(path) }
    }

    public func write(_ bytes: [UInt8]) throws(LoadError) {
        // A pipe has no length to cut.
        _ = ftruncate(descriptor, 0)
        isWritten = true
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .unwritable(path: path, reason: systemError(errno)) }
            rest = rest.dropFirst(count)
        }
    }
}
