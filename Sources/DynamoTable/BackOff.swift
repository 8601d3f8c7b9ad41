import AWSClient
import ChatStore

/// How long to wait before what was left undone is asked for again: full jitter, doubling while nothing is done.
/// Source: https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
struct BackOff: Sendable {
    /// Tries that got nothing done before it is given up: with what ``AWSCaller`` itself waits a few seconds at most.
    static let attempts = 6
    static let first = Duration.milliseconds(25)
    static let longest = Duration.milliseconds(800)
    /// What a try needs to be worth beginning: an answer, and time to tell of it.
    static let tryTime = Duration.milliseconds(100)

    /// Ends early, with an error, in a task that is cancelled.
    var sleep: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }

    /// Returns when the next try may begin.
    /// - Parameters:
    ///   - fruitless: how many tries in a row got nothing done; 0 if the last one did.
    ///   - error: thrown if there is to be no other try: after ``attempts``, when it would come too late for
    ///     ``AWSDeadline/current``, and in a task that was cancelled.
    func wait(after fruitless: Int, or error: TableError) async throws(TableError) {
        guard fruitless < Self.attempts else { throw error }
        let wait = min(Self.longest, Self.first * (1 << fruitless)) * Double.random(in: 0...1)
        if let deadline = AWSDeadline.current, .now + wait + Self.tryTime > deadline { throw error }
        if (try? await sleep(wait)) == nil { throw error }
    }
}
