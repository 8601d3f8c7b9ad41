import Glibc
import Synchronization

/// Turns SIGTERM into a file descriptor that becomes readable and stays so, for as long as this lives.
///
/// A handler and not a blocked signal, because threads that exist already would not have it blocked. One at a
/// time in a process.
final class TerminationSignal {
    /// Readable once SIGTERM came.
    let descriptor: Int32
    private let writeEnd: Int32
    private var previous = sigaction()

    /// The write end for the signal handler, which can see globals only; -1 when there is none.
    private static let target = Atomic<Int32>(-1)

    init() {
        var ends: [Int32] = [-1, -1]
        // Without descriptors nothing else here can work either.
        precondition(unsafe pipe(&ends) == 0, "no file descriptors left")
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        (descriptor, writeEnd) = (ends[0], ends[1])
        Self.target.store(writeEnd, ordering: .sequentiallyConsistent)
        var action = sigaction()
        unsafe action.__sigaction_handler.sa_handler = { _ in
            let saved = errno
            var byte: UInt8 = 1
            _ = unsafe write(TerminationSignal.target.load(ordering: .sequentiallyConsistent), &byte, 1)
            errno = saved
        }
        action.sa_flags = SA_RESTART
        _ = unsafe sigaction(SIGTERM, &action, &previous)
    }

    deinit {
        _ = unsafe sigaction(SIGTERM, &previous, nil)
        Self.target.store(-1, ordering: .sequentiallyConsistent)
        close(descriptor)
        close(writeEnd)
    }
}
