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

    func wait() {
        while unsafe sem_wait(semaphore) != 0 {
            precondition(errno == EINTR, "sem_wait")
        }
    }
}
