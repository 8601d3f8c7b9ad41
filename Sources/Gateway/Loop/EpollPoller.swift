import CLinux
import Glibc

/// epoll(7), level-triggered.
@safe struct EpollPoller: Poller, ~Copyable {
    private static let capacity = 512
    private let descriptor: CInt
    private let events: UnsafeMutablePointer<epoll_event>

    init() throws(SystemFailure) {
        descriptor = try call("epoll_create1") { epoll_create1(CInt(EPOLL_CLOEXEC)) }
        unsafe events = .allocate(capacity: Self.capacity)
        unsafe events.initialize(repeating: epoll_event(), count: Self.capacity)
    }

    deinit {
        closeDescriptor(descriptor)
        unsafe events.deallocate()
    }

    func add(_ watched: CInt, _ interest: Interest, tag: UInt64) throws(SystemFailure) {
        try control(EPOLL_CTL_ADD, watched, interest, tag)
    }

    func update(_ watched: CInt, _ interest: Interest, tag: UInt64) throws(SystemFailure) {
        try control(EPOLL_CTL_MOD, watched, interest, tag)
    }

    func remove(_ watched: CInt) throws(SystemFailure) {
        try control(EPOLL_CTL_DEL, watched, [], 0)
    }

    func wait(milliseconds: Int32) throws(SystemFailure) -> Int {
        Int(try call("epoll_wait") { unsafe epoll_wait(descriptor, events, CInt(Self.capacity), milliseconds) })
    }

    func event(_ index: Int) -> (tag: UInt64, readiness: Readiness) {
        let event = unsafe events[index]
        var readiness: Readiness = []
        let bits = unsafe event.events
        if bits & EPOLLIN.rawValue != 0 { readiness.insert(.readable) }
        if bits & EPOLLOUT.rawValue != 0 { readiness.insert(.writable) }
        if bits & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 { readiness.insert(.hangUp) }
        return (unsafe event.data.u64, readiness)
    }

    private func control(_ operation: CInt, _ watched: CInt, _ interest: Interest, _ tag: UInt64) throws(SystemFailure) {
        var event = unsafe epoll_event()
        if interest.contains(.read) { unsafe event.events |= EPOLLIN.rawValue }
        if interest.contains(.write) { unsafe event.events |= EPOLLOUT.rawValue }
        unsafe event.data.u64 = tag
        try call("epoll_ctl") { unsafe epoll_ctl(descriptor, operation, watched, &event) }
    }
}
