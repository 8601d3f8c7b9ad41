import CLinux
import Glibc

/// A server of this run's own: the same executable as a child, in a folder that goes with it.
///
/// A process and not threads, so that its processor time and memory can be told from the client's. The kernel kills it when
/// the thread that started it ends, however that happens.
public final class OwnServer {
    public let url: String
    public let pid: pid_t
    private let folder: String
    private var isRunning = true

    /// Starts `executable` with `serve` and waits until it is ready.
    ///
    /// - Parameter environment: settings; this process's own are not handed on, except PATH and the like.
    public init(executable: String, arguments: [String], environment: [String: String]) throws(LoadError) {
        var template = Array(((environment["TMPDIR"] ?? "/tmp") + "/muster-load-XXXXXX").utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw .ownServer("mkdtemp: \(systemError(errno))") }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        var ends: [CInt] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else {
            Self.remove(folder)
            throw .ownServer("pipe: \(systemError(errno))")
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { _ = close(ends[0]) }
        let words = [executable, "serve", "--port", "0", "--management", "127.0.0.1:0", "--data", folder] + arguments
        let pid = unsafe Self.withCStrings(words) { words in
            unsafe Self.withCStrings(environment.map { "\($0.key)=\($0.value)" }) { environment in
                unsafe clinux_spawn_into(executable, words, environment, ends[1])
            }
        }
        _ = close(ends[1])
        guard pid > 0 else {
            Self.remove(folder)
            throw .ownServer("\(executable): \(systemError(-pid))")
        }
        self.folder = folder
        self.pid = pid
        guard let url = Self.readyURL(ends[0]) else {
            url = ""
            stop()
            throw .ownServer("it did not become ready; its last words are above")
        }
        self.url = url
    }

    deinit { stop() }

    /// Ends the process and removes its folder.
    ///
    /// At once: nobody needs what it stored, and its last words about connections that are gone anyway help nobody.
    public func stop() {
        guard isRunning else { return }
        isRunning = false
        kill(pid, SIGKILL)
        while waitpid(pid, nil, 0) < 0, errno == EINTR {}
        Self.remove(folder)
    }

    /// The URL in the line that says that it listens; nil if it ends or takes ten seconds.
    private static func readyURL(_ descriptor: CInt) -> String? {
        var line: [UInt8] = []
        let deadline = monotonicNow() + 10_000_000_000
        while true {
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let left = (deadline - monotonicNow()) / 1_000_000
            guard left > 0 else { return nil }
            guard unsafe poll(&entry, 1, CInt(left)) > 0 else { continue }
            var byte: UInt8 = 0
            guard unsafe read(descriptor, &byte, 1) == 1 else { return nil }
            guard byte == UInt8(ascii: "\n") else {
                line.append(byte)
                continue
            }
            return String(decoding: line, as: UTF8.self).split(separator: " ").first { $0.hasPrefix("ws://") }.map(String.init)
        }
    }

    /// The data folder is flat.
    private static func remove(_ folder: String) {
        if let directory = unsafe opendir(folder) {
            while let entry = unsafe readdir(directory) {
                let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                    unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
                }
                if name != ".", name != ".." { unsafe unlink(folder + "/" + name) }
            }
            unsafe closedir(directory)
        }
        unsafe rmdir(folder)
    }

    private static func withCStrings<Value>(
        _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Value
    ) -> Value {
        var pointers = unsafe texts.map { unsafe strdup($0) } + [nil]
        defer { unsafe pointers.forEach { unsafe free($0) } }
        return unsafe body(&pointers)
    }
}
