import CLinux

/// Wake-ups of sleeping loops that a thread holds back while it hands over several things, so that a loop finds all of
/// them in one turn and not the first alone.
final class WakeUps {
    private var loops: [EventLoop] = []

    /// Runs `body`; the loops it gave work to are woken after it.
    static func gather(_ body: () -> Void) {
        guard current == nil else { return body() }
        let gathering = WakeUps()
        unsafe clinux_set_thread_slot(Unmanaged.passUnretained(gathering).toOpaque())
        body()
        clinux_set_thread_slot(nil)
        for loop in gathering.loops { loop.wakeNow() }
    }

    /// What the calling thread gathers into, if it does.
    static var current: WakeUps? {
        // The slot is only set while `gather` keeps the object alive.
        unsafe clinux_thread_slot().map { unsafe Unmanaged<WakeUps>.fromOpaque($0).takeUnretainedValue() }
    }

    func add(_ loop: EventLoop) { loops.append(loop) }
}
