import Glibc

/// Standard output and error, whole texts at once.
enum Output {
    static func write(_ text: String, to descriptor: CInt = STDOUT_FILENO) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard written > 0 else {
                if errno == EINTR { continue }
                return
            }
            bytes = bytes.dropFirst(written)
        }
    }

    static func fail(_ message: String, code: CInt) -> Never {
        let line = message.split(whereSeparator: \.isNewline).joined(separator: " ")
        write("muster: \(line)\n", to: STDERR_FILENO)
        exit(code)
    }

    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
}

func processEnvironment() -> [String: String] {
    var variables: [String: String] = [:]
    var place = unsafe environ
    while let entry = unsafe place.pointee {
        let text = unsafe String(cString: entry)
        if let split = text.firstIndex(of: "=") {
            variables[String(text[..<split])] = String(text[text.index(after: split)...])
        }
        unsafe place += 1
    }
    return variables
}

/// Allows as many descriptors as the system lets this process have: each connection is one, and shells start with 1024.
func raiseDescriptorLimit() {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    // A refusal leaves what there was, and a server that runs out says so.
    _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}

/// Where SIGTERM and SIGINT are told: a pipe, whose ends are -1 until ``catchStopSignals()``.
///
/// Written once, before the handler that reads it is installed.
nonisolated(unsafe) private var stopPipe: (read: CInt, write: CInt) = (-1, -1)

/// Keeps SIGTERM and SIGINT for ``waitForStopSignal()``; and a reader that went away is an error of a write, not the end of
/// the process.
///
/// A handler and not a blocked signal: while an asynchronous main waits, its first thread takes every signal.
func catchStopSignals() {
    signal(SIGPIPE, SIG_IGN)
    var ends: [CInt] = [-1, -1]
    precondition(unsafe pipe(&ends) == 0, "no descriptors to start with")
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    unsafe stopPipe = (ends[0], ends[1])
    for number in [SIGTERM, SIGINT] {
        signal(number) { _ in
            let before = errno
            var byte: UInt8 = 0
            _ = unsafe write(stopPipe.write, &byte, 1)
            errno = before
        }
    }
}

/// Readable when SIGTERM or SIGINT has come, for a command that has a loop of its own: one byte for each.
var stopDescriptor: CInt { unsafe stopPipe.read }

/// Blocks the calling thread until SIGTERM or SIGINT comes, or has come.
func waitForStopSignal() {
    var byte: UInt8 = 0
    while unsafe read(stopPipe.read, &byte, 1) < 0, errno == EINTR {}
}
