/// When whoever waits for the current task gives up: a Lambda function's deadline, set by its composition root.
///
/// ```swift
/// await AWSDeadline.$current.withValue(.now + .milliseconds(context.remainingMilliseconds)) { await handle(event) }
/// ```
public enum AWSDeadline {
    /// On the continuous clock, which the wall clock's corrections do not move. Nil: none.
    @TaskLocal public static var current: ContinuousClock.Instant?

    /// Gives `body` so much time, or what is left until the current deadline if that is less.
    public static func within<Value>(_ time: Duration, _ body: () async throws -> Value) async rethrows -> Value {
        let own = ContinuousClock.now + time
        return try await $current.withValue(current.map { min($0, own) } ?? own) { try await body() }
    }

    /// What is kept of the time until then to tell of a failure and to answer.
    static let reserve: Duration = .milliseconds(50)
}
