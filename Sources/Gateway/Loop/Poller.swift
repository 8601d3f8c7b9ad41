/// What a descriptor is watched for.
struct Interest: OptionSet, Sendable {
    let rawValue: UInt8
    static let read = Interest(rawValue: 1)
    static let write = Interest(rawValue: 2)
}

/// What a descriptor is ready for.
struct Readiness: OptionSet, Sendable {
    let rawValue: UInt8
    static let readable = Readiness(rawValue: 1)
    static let writable = Readiness(rawValue: 2)
    /// An error, or both directions are shut; reported whatever the interest, again and again.
    static let hangUp = Readiness(rawValue: 4)
}

/// The kernel's readiness queue, level-triggered. Another system's is one more file beside ``EpollPoller``.
protocol Poller: ~Copyable {
    init() throws(SystemFailure)
    /// `tag` comes back with every event of the descriptor.
    func add(_ descriptor: CInt, _ interest: Interest, tag: UInt64) throws(SystemFailure)
    func update(_ descriptor: CInt, _ interest: Interest, tag: UInt64) throws(SystemFailure)
    func remove(_ descriptor: CInt) throws(SystemFailure)
    /// Waits for events, up to a time (negative: for ever), and returns how many ``event(_:)`` has.
    func wait(milliseconds: Int32) throws(SystemFailure) -> Int
    func event(_ index: Int) -> (tag: UInt64, readiness: Readiness)
}
