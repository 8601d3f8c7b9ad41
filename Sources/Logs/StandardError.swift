import Glibc

extension Log {
    /// The system's clock, in milliseconds since the epoch.
    public static let systemClock: @Sendable () -> Int64 = {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }

    /// Writes each line to standard error in one call, so that lines of several threads and processes do not mix.
    /// A line that cannot be written is lost: logging never stops the service.
    public static let standardError: Sink = { line in
        var rest = line[...]
        while !rest.isEmpty {
            let written = unsafe rest.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
            if written >= 0 {
                rest = rest.dropFirst(written)
            } else if errno != EINTR {
                return
            }
        }
    }
}
