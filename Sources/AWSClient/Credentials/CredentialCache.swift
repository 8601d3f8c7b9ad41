import Synchronization

/// The credentials in use: looked for once, and again before they end, by one caller for all.
final class CredentialCache: Sendable {
    private enum Answer {
        case credentials(AWSCredentials)
        case failure(AWSError)
        /// Who was asking is cancelled: another has to.
        case askAgain
    }

    private struct State {
        var credentials: AWSCredentials?
        var isRefused = false
        var isAsking = false
        var waiting: [CheckedContinuation<Answer, Never>] = []
        /// No earlier than this while what there is still holds, seconds since 1970.
        var nextAsk: Int64 = 0
    }

    /// Before they end, in seconds.
    static let margin: Int64 = 300
    /// Between two that fail while the credentials still hold, in seconds.
    private static let pause: Int64 = 30

    private let sources: CredentialSources
    private let surroundings: Surroundings
    private let state = Mutex(State())

    init(_ sources: CredentialSources, _ surroundings: Surroundings) {
        self.sources = sources
        self.surroundings = surroundings
    }

    /// Credentials that have not ended, as far as the source has such.
    func current(_ transport: some HTTPTransport) async throws(AWSError) -> AWSCredentials {
        while true {
            switch decide() {
            case .use(let credentials): return credentials
            case .ask: return try await ask(transport)
            case .wait:
                switch await wait() {
                case .credentials(let credentials): return credentials
                case .failure(let error): throw error
                case .askAgain: if Task.isCancelled { throw .unreachable("cancelled") }
                }
            }
        }
    }

    /// After the service refused `credentials` as unknown or ended.
    /// - Returns: whether the next that are looked for may be others.
    func refuse(_ credentials: AWSCredentials) -> Bool {
        guard sources.canRenew else { return false }
        state.withLock { state in
            if state.credentials == credentials { state.isRefused = true }
        }
        return true
    }

    private enum Decision {
        case use(AWSCredentials)
        case ask
        case wait
    }

    private func decide() -> Decision {
        // The environment's never change: no clock is read for them.
        if let credentials = sources.environment { return .use(credentials) }
        let now = surroundings.wallClock()
        return state.withLock { state in
            if let credentials = state.credentials, !state.isRefused {
                guard let expiration = credentials.expiration else { return .use(credentials) }
                if now < expiration - Self.margin { return .use(credentials) }
                if now < expiration, state.isAsking || now < state.nextAsk { return .use(credentials) }
            }
            if state.isAsking { return .wait }
            state.isAsking = true
            return .ask
        }
    }

    private func ask(_ transport: some HTTPTransport) async throws(AWSError) -> AWSCredentials {
        var answer: Answer
        do {
            answer = .credentials(try await sources.load(transport, surroundings))
        } catch {
            answer = .failure(error)
        }
        let now = surroundings.wallClock()
        let waiting = state.withLock { state in
            switch answer {
            case .credentials(let credentials):
                state.credentials = credentials
                state.isRefused = false
            case .failure:
                if let credentials = state.credentials, !state.isRefused, let expiration = credentials.expiration, now < expiration {
                    answer = .credentials(credentials)
                    state.nextAsk = now + Self.pause
                }
            case .askAgain: break
            }
            state.isAsking = false
            defer { state.waiting = [] }
            return state.waiting
        }
        var forOthers = answer
        if case .failure = answer, Task.isCancelled { forOthers = .askAgain }
        for continuation in waiting { continuation.resume(returning: forOthers) }
        switch answer {
        case .credentials(let credentials): return credentials
        case .failure(let error): throw error
        case .askAgain: preconditionFailure("only others ask again")
        }
    }

    private func wait() async -> Answer {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if state.isAsking { state.waiting.append(continuation) }
                return !state.isAsking
            }
            if isOver { continuation.resume(returning: .askAgain) }
        }
    }
}
