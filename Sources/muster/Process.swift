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

private func stopSignals() -> sigset_t {
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe sigaddset(&signals, SIGTERM)
    unsafe sigaddset(&signals, SIGINT)
    return signals
}

/// Keeps SIGTERM and SIGINT for ``waitForStopSignal()``, in every thread started from here on; and a reader that went away
/// is an error of a write, not the end of the process.
func blockStopSignals() {
    var signals = stopSignals()
    unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
    signal(SIGPIPE, SIG_IGN)
}

/// Blocks the calling thread until SIGTERM or SIGINT comes.
func waitForStopSignal() {
    var signals = stopSignals()
    var received: CInt = 0
    while unsafe sigwait(&signals, &received) == EINTR {}
}
