import ChatModel

/// When a ``KeyRing`` fetches its set: one fetch at a time, and none too soon after another.
///
/// A clock that was set back makes everything due.
struct FetchSchedule {
    /// What somebody may do who needs other keys than there are.
    enum Turn: Equatable {
        /// They fetch, and say how it ended.
        case fetch
        /// Another is fetching.
        case wait
        case notYet
    }

    enum Outcome {
        case loaded
        case failed
        case cancelled
    }

    private enum Cause {
        case first, age, unknownKey
    }

    private var running: (cause: Cause, since: Timestamp)?
    /// When the fetch of the set that there is began.
    private var loadedAt: Timestamp?
    /// The last fetch that keeps others back: each that failed, and each for a key that nobody knew.
    private var askedAt: Timestamp?

    var isRunning: Bool { running != nil }

    /// For who needs a key that is not there.
    mutating func begin(at now: Timestamp) -> Turn {
        if running != nil { return .wait }
        if isTooSoon(now) { return .notYet }
        running = (loadedAt == nil ? .first : .unknownKey, now)
        return .fetch
    }

    /// For whoever comes by: whether they have to replace a set that is too old, and say how that ended.
    mutating func beginForAge(at now: Timestamp) -> Bool {
        guard running == nil, let loadedAt, !Self.isWithin(KeyRing.maxAge, since: loadedAt, now), !isTooSoon(now) else { return false }
        running = (.age, now)
        return true
    }

    mutating func end(_ outcome: Outcome) {
        guard let (cause, since) = running else { preconditionFailure("no fetch was begun") }
        running = nil
        switch (outcome, cause) {
        case (.loaded, .first): (loadedAt, askedAt) = (since, nil)
        case (.loaded, .age): loadedAt = since
        case (.loaded, .unknownKey): (loadedAt, askedAt) = (since, since)
        case (.failed, _): askedAt = since
        case (.cancelled, _): break
        }
    }

    /// Lets the next who needs a key fetch again.
    mutating func forgetFailure() { askedAt = nil }

    private func isTooSoon(_ now: Timestamp) -> Bool {
        guard let askedAt else { return false }
        return Self.isWithin(loadedAt == nil ? KeyRing.pauseWithoutSet : KeyRing.pause, since: askedAt, now)
    }

    static func isWithin(_ span: Seconds, since start: Timestamp, _ now: Timestamp) -> Bool {
        (0..<span.milliseconds).contains(now - start)
    }
}
