import Glibc

/// How long to wait for a socket, and what ends the wait early.
struct Wait {
    let deadline: ContinuousClock.Instant?
    let interrupt: Int32?

    enum Direction {
        case reading
        case writing
    }

    /// Returns when the socket is ready or broken; only a wait for reading can be interrupted, so that a
    /// request is never cut in the middle.
    func until(_ descriptor: Int32, _ direction: Direction) throws(LoopbackHTTPError) {
        let events = Int16(direction == .reading ? POLLIN : POLLOUT)
        var entries = [pollfd(fd: descriptor, events: events, revents: 0)]
        if direction == .reading, let interrupt {
            entries.append(pollfd(fd: interrupt, events: Int16(POLLIN), revents: 0))
        }
        while true {
            let timeout = remainingMilliseconds()
            let ready = unsafe poll(&entries, nfds_t(entries.count), timeout)
            if ready < 0 {
                guard errno == EINTR else { throw .system(call: "poll", errno: errno) }
                continue
            }
            // What has arrived already is more than an interrupt: it may be work that was handed over.
            if entries[0].revents != 0 { return }
            if entries.count > 1, entries[1].revents != 0 { throw .interrupted }
            if ready == 0, remainingMilliseconds() == 0 { throw .timedOut }
        }
    }

    /// For `poll`: rounded up, and -1 for ever.
    private func remainingMilliseconds() -> Int32 {
        guard let deadline else { return -1 }
        let (seconds, attoseconds) = ContinuousClock.now.duration(to: deadline).components
        guard seconds >= 0, attoseconds > 0 || seconds > 0 else { return 0 }
        // Longer than a day is waited for in turns, which keeps the arithmetic in bounds.
        guard seconds < 86_400 else { return 86_400_000 }
        return Int32(seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
    }
}
