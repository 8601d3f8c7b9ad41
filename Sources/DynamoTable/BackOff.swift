import ChatStore

/// How long to wait before what was left undone is asked for again: full jitter, doubling while nothing is done.
/// Source: https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
struct BackOff: Sendable {
    /// Tries that got nothing done before it is given up: with what ``AWSCaller`` itself waits a few seconds at most.
    static let attempts = 6
    static let first = Duration.milliseconds(25)
    static let longest = Duration.milliseconds(800)

    var sleep: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }

    /// - Parameter fruitless: how many tries in a row got nothing done; 0 if the last one did.
    func wait(after fruitless: Int) async throws(TableError) {
        let bound = min(Self.longest, Self.first * (1 << min(fruitless, 10)))
        do {
            try await sleep(bound * Double.random(in: 0...1))
        } catch {
            throw .unavailable("cancelled between two tries")
        }
    }
}
