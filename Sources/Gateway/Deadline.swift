import Synchronization

/// Waits for work, but not for longer than a limit.
enum Deadline {
    /// Whether `work` ended within the limit of real time; if not it goes on unattended.
    static func run(within limit: Duration, _ work: @escaping @Sendable () async -> Void) async -> Bool {
        let race = Race()
        let timer = Task {
            try? await Task.sleep(for: limit)
            race.finish(false)
        }
        Task {
            await work()
            race.finish(true)
        }
        let result = await race.result()
        timer.cancel()
        return result
    }

    private final class Race: Sendable {
        private enum State {
            case running
            case awaited(CheckedContinuation<Bool, Never>)
            case finished(Bool)
        }

        private let state = Mutex(State.running)

        func finish(_ result: Bool) {
            let waiter: CheckedContinuation<Bool, Never>? = state.withLock { state in
                switch state {
                case .finished: return nil
                case .running:
                    state = .finished(result)
                    return nil
                case .awaited(let continuation):
                    state = .finished(result)
                    return continuation
                }
            }
            waiter?.resume(returning: result)
        }

        func result() async -> Bool {
            await withCheckedContinuation { continuation in
                let known: Bool? = state.withLock { state in
                    if case .finished(let result) = state { return result }
                    state = .awaited(continuation)
                    return nil
                }
                if let known { continuation.resume(returning: known) }
            }
        }
    }
}
