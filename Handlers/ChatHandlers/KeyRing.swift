import ChatModel
import Logs
import Synchronization
import Tokens

/// Judges tokens by the configured secret and by a key set that is fetched when it is needed, and again while it is in use.
///
/// - A token that asks for a key nobody has is refused only after a newer set, fetched at most once in ``pause``.
/// - Whoever comes when the set is older than ``maxAge`` fetches it first, so that keys that were removed go.
/// - One fetch runs at a time, in the task of who began it. Who needs its keys waits; others go on with those that are there.
/// - A fetch that fails changes nothing: the last set stays, and the log says why, at most once in ``pause``.
public final class KeyRing: TokenJudge {
    /// How old a set may be, in seconds, before it is fetched again.
    public static let maxAge: Seconds = 600
    /// At least this is between fetches for unknown keys, and after one that failed, in seconds.
    public static let pause: Seconds = 60
    /// At least this is after a fetch that failed while there is no set yet and nobody can come in, in seconds.
    public static let pauseWithoutSet: Seconds = 5

    /// What tokens are verified with at one time; version 0 is before the first set.
    private struct Keys {
        var verifier: TokenVerifier
        var version = 0

        /// Whether another set could change the verdict.
        func isOpen(_ error: TokenError) -> Bool {
            switch error {
            case .unknownKey: true
            // By secrets alone: a key of the set may be the one.
            case .algorithmNotAllowed, .badSignature: version == 0
            default: false
            }
        }
    }

    private struct State {
        var keys: Keys
        var schedule = FetchSchedule()
        var failure: KeySetFailure = .cancelled
        var warnedAt: Timestamp?
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let secrets: [TokenKey]
    private let source: any KeySource
    private let rules: TokenRules
    private let log: Log
    private let state: Mutex<State>

    /// Fetches nothing yet.
    public init(secrets: [TokenKey], source: any KeySource, rules: TokenRules = TokenRules(), log: Log) {
        self.secrets = secrets
        self.source = source
        self.rules = rules
        self.log = log.with(["source": source.name])
        state = Mutex(State(keys: Keys(verifier: TokenVerifier(keys: KeySet(secrets), rules: rules))))
    }

    public func claims(of token: String, at now: Timestamp) async throws(TokenFailure) -> Claims {
        let isOld = state.withLock { $0.schedule.beginForAge(at: now) }
        if isOld { await fetch(at: now) }
        let keys = state.withLock { $0.keys }
        do throws(TokenError) {
            return try keys.verifier.verify(token, now: now.milliseconds)
        } catch {
            guard keys.isOpen(error), !isOld else { throw .refused(error) }
            guard let newer = await newer(than: keys, at: now) else {
                throw keys.version == 0 ? .noKeys(state.withLock { $0.failure }) : .refused(error)
            }
            return try await newer.verifier.claims(of: token, at: now)
        }
    }

    /// Throws without a word in the log. The next who needs a key may then fetch at once.
    public func load(at now: Timestamp) async throws(KeySetFailure) {
        let none = state.withLock { state in
            // Whoever calls says it.
            if state.keys.version == 0 { state.warnedAt = now }
            return state.keys
        }
        guard none.version == 0 else { return }
        let isLoaded = await newer(than: none, at: now) != nil
        let failure = state.withLock { state in
            if isLoaded { state.warnedAt = nil } else { state.schedule.forgetFailure() }
            return state.failure
        }
        if !isLoaded { throw failure }
    }

    /// The keys after a fetch, if there are others than those seen and if one may be made.
    private func newer(than seen: Keys, at now: Timestamp) async -> Keys? {
        while true {
            let (keys, turn) = state.withLock { state in
                (state.keys, state.keys.version > seen.version ? .notYet : state.schedule.begin(at: now))
            }
            switch turn {
            case .fetch:
                await fetch(at: now)
                let keys = state.withLock { $0.keys }
                return keys.version > seen.version ? keys : nil
            case .wait: await wait()
            case .notYet: return keys.version > seen.version ? keys : nil
            }
        }
    }

    private func wait() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if state.schedule.isRunning { state.waiting.append(continuation) }
                return !state.schedule.isRunning
            }
            if isOver { continuation.resume() }
        }
    }

    /// Makes the fetch that the schedule allowed.
    private func fetch(at now: Timestamp) async {
        do throws(KeySetFailure) {
            let bytes = try await source.fetch()
            finish(with: try Self.parse(bytes, source.mayHoldSecrets))
        } catch {
            finish(with: error, at: now)
        }
    }

    private static func parse(_ bytes: [UInt8], _ allowsSecrets: Bool) throws(KeySetFailure) -> JWKSet {
        do throws(KeyError) {
            return try JWKSet(parsing: bytes, allowsSecrets: allowsSecrets)
        } catch {
            throw .malformed(error)
        }
    }

    private func finish(with set: JWKSet) {
        let verifier = TokenVerifier(keys: KeySet(secrets + set.keys), rules: rules)
        for key in set.ignored {
            log.warning("key ignored", ["index": key.index, "kid": key.id, "reason": key.reason.logReason])
        }
        if set.keys.isEmpty { log.warning("key set without a key that can be used") }
        log.debug("key set fetched", ["keys": set.keys.count])
        end(.loaded) { state in state.keys = Keys(verifier: verifier, version: state.keys.version + 1) }
    }

    private func finish(with failure: KeySetFailure, at now: Timestamp) {
        let isNews = state.withLock { state in
            if let last = state.warnedAt, FetchSchedule.isWithin(Self.pause, since: last, now) { return false }
            state.warnedAt = now
            return true
        }
        if isNews { log.warning("key set not fetched", ["reason": failure.logReason]) }
        end(failure == .cancelled ? .cancelled : .failed) { $0.failure = failure }
    }

    /// Lets those go on who wait for the fetch.
    private func end(_ outcome: FetchSchedule.Outcome, _ change: (inout State) -> Void) {
        let waiting = state.withLock { state in
            change(&state)
            state.schedule.end(outcome)
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
