import CLinux
import Glibc

/// A semaphore on which one thread sleeps until others have something for it.
///
/// `@unchecked Sendable`: the semaphore is made for use by several threads, and its address never changes.
@safe final class Signal: @unchecked Sendable {
    private let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        unsafe semaphore = .allocate(capacity: 1)
        let code = unsafe sem_init(semaphore, 0, 0)
        precondition(code == 0, "sem_init")
    }

    deinit {
        unsafe sem_destroy(semaphore)
        unsafe semaphore.deallocate()
    }

    /// Wakes the sleeper, or lets its next wait pass.
    func raise() {
        unsafe sem_post(semaphore)
    }

    /// Sleeps no longer than until this moment of the monotonic clock.
    /// - Returns: False when it has come.
    func wait(until moment: MonotonicMoment) -> Bool {
        var time = timespec(
            tv_sec: Int(moment.nanoseconds / 1_000_000_000), tv_nsec: Int(moment.nanoseconds % 1_000_000_000))
        while unsafe clinux_sem_wait_until(semaphore, &time) != 0 {
            if errno == ETIMEDOUT { return false }
            precondition(errno == EINTR, "sem_clockwait")
        }
        return true
    }

    func wait() {
        while unsafe sem_wait(semaphore) != 0 {
            precondition(errno == EINTR, "sem_wait")
        }
    }
}

/// A moment of the clock that `sem_clockwait` counts by.
struct MonotonicMoment: Comparable {
    let nanoseconds: Int64

    static func now(_ later: Duration = .zero) -> MonotonicMoment {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        let (seconds, attoseconds) = later.components
        return MonotonicMoment(
            nanoseconds: (Int64(time.tv_sec) + seconds) * 1_000_000_000 + Int64(time.tv_nsec) + attoseconds / 1_000_000_000)
    }

    static func < (a: MonotonicMoment, b: MonotonicMoment) -> Bool { a.nanoseconds < b.nanoseconds }
}
