import CLinux
import Glibc

/// epoll(7), level-triggered, with a timer that is exact to microseconds: epoll's own time-out counts milliseconds, which is
/// too coarse for a schedule.
///
/// Not the gateway's event loop: that one runs jobs and timers of objects, this one only has indices.
@safe struct Poller: ~Copyable {
    private static let capacity = 512
    private static let timerTag = UInt64.max
    private let descriptor: CInt
    private let timer: CInt
    private let events: UnsafeMutablePointer<epoll_event>
    private var armed: Int64 = 0

    init() throws(LoadError) {
        descriptor = epoll_create1(CInt(EPOLL_CLOEXEC))
        timer = timerfd_create(CLOCK_MONOTONIC, CInt(TFD_NONBLOCK) | CInt(TFD_CLOEXEC))
        guard descriptor >= 0, timer >= 0 else { throw .system(call: "epoll_create1", reason: systemError(errno)) }
        unsafe events = .allocate(capacity: Self.capacity)
        unsafe events.initialize(repeating: epoll_event(), count: Self.capacity)
        // Edge-triggered: arming it again is enough, and nobody needs to read it.
        control(EPOLL_CTL_ADD, timer, EPOLLIN.rawValue | EPOLLET.rawValue, Self.timerTag)
    }

    deinit {
        _ = close(descriptor)
        _ = close(timer)
        unsafe events.deallocate()
    }

    func add(_ watched: CInt, reads: Bool = true, writes: Bool = false, tag: Int) {
        control(EPOLL_CTL_ADD, watched, mask(reads, writes), UInt64(tag))
    }

    func update(_ watched: CInt, reads: Bool = true, writes: Bool, tag: Int) {
        control(EPOLL_CTL_MOD, watched, mask(reads, writes), UInt64(tag))
    }

    func remove(_ watched: CInt) { control(EPOLL_CTL_DEL, watched, 0, 0) }

    /// Waits until something is ready or the monotonic clock has come this far, and gives how many ``event(_:)`` has.
    mutating func wait(until deadline: Int64, now: Int64) -> Int {
        var milliseconds: CInt = 0
        if deadline > now {
            milliseconds = -1
            if deadline != armed { arm(deadline) }
        }
        let count = unsafe epoll_wait(descriptor, events, CInt(Self.capacity), milliseconds)
        precondition(count >= 0 || errno == EINTR, "epoll_wait: errno \(errno)")
        return Int(max(0, count))
    }

    /// What is ready; no tag for the timer.
    func event(_ index: Int) -> (tag: Int?, reads: Bool, writes: Bool) {
        let event = unsafe events[index]
        let bits = unsafe event.events
        let tag = unsafe event.data.u64
        let failed = bits & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0
        return (
            tag == Self.timerTag ? nil : Int(tag), failed || bits & EPOLLIN.rawValue != 0, failed || bits & EPOLLOUT.rawValue != 0
        )
    }

    private mutating func arm(_ deadline: Int64) {
        armed = deadline
        var time = itimerspec()
        time.it_value = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
        _ = unsafe timerfd_settime(timer, CInt(TFD_TIMER_ABSTIME), &time, nil)
    }

    private func mask(_ reads: Bool, _ writes: Bool) -> UInt32 {
        (reads ? EPOLLIN.rawValue : 0) | (writes ? EPOLLOUT.rawValue : 0)
    }

    private func control(_ operation: CInt, _ watched: CInt, _ bits: UInt32, _ tag: UInt64) {
        var event = unsafe epoll_event()
        unsafe event.events = bits
        unsafe event.data.u64 = tag
        precondition(unsafe epoll_ctl(descriptor, operation, watched, &event) == 0, "epoll_ctl: errno \(errno)")
    }
}

/// Nanoseconds of the monotonic clock.
@inline(__always)
public func monotonicNow() -> Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// Nanoseconds of processor time that this process has used.
func processorNow() -> Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
