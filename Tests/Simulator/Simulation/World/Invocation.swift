/// One event in the hands of a function.
///
/// `@unchecked`: confined to the run's thread.
final class Invocation: @unchecked Sendable {
    /// The one that a task and all it starts work for.
    @TaskLocal static var current: Invocation?

    /// What is known of who caused it.
    enum Cause: Equatable {
        /// A frame, or a connect or disconnect, of this connection.
        case connection(String)
        case backend
        case schedule
        case stream
        case queue
        /// What the server does by itself at its start.
        case start
    }

    let number: Int
    let function: String
    let cause: Cause
    let startedAt: Int64
    /// How many commits there had been when it started.
    let startOrder: Int
    /// What went wrong for it so far. Whoever had no bad luck has no excuse.
    private(set) var faults = 0
    var isOver = false

    init(number: Int, function: String, cause: Cause, startedAt: Int64, startOrder: Int) {
        self.number = number
        self.function = function
        self.cause = cause
        self.startedAt = startedAt
        self.startOrder = startOrder
    }

    var isClean: Bool { faults == 0 }
    var connection: String? { if case .connection(let id) = cause { id } else { nil } }
    var name: String { "\(function)#\(number)" }

    func suffer() { faults += 1 }
}
