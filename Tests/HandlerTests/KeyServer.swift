import ChatHandlers
import ChatModel
import JSONCoding
import Synchronization

@testable import Tokens

/// A key set's source in the test's hands, with the keys behind it: secrets, each under the name that tokens ask for it by.
final class KeyServer: KeySource {
    private struct State {
        var answer: Result<[UInt8], KeySetFailure> = .failure(.unreadable("not there yet"))
        var fetches = 0
        var isHeld = false
        var held: [CheckedContinuation<Void, Never>] = []
    }

    let name = "https://issuer.example/keys"
    let mayHoldSecrets: Bool
    private let state = Mutex(State())

    init(mayHoldSecrets: Bool = true) { self.mayHoldSecrets = mayHoldSecrets }

    var fetches: Int { state.withLock { $0.fetches } }

    func publish(_ names: String...) { publish(Array(Self.set(names).utf8)) }
    func publish(_ document: [UInt8]) { state.withLock { $0.answer = .success(document) } }
    func fail(_ failure: KeySetFailure = .unreadable("status 503")) { state.withLock { $0.answer = .failure(failure) } }

    /// Answers nobody until ``release()``.
    func hold() { state.withLock { $0.isHeld = true } }

    func release() {
        let held = state.withLock { state in
            defer { (state.isHeld, state.held) = (false, []) }
            return state.held
        }
        for continuation in held { continuation.resume() }
    }

    /// Answers who came first, and goes on holding the others.
    func releaseOne() { state.withLock { $0.held.removeFirst() }.resume() }

    func fetch() async throws(KeySetFailure) -> [UInt8] {
        await withCheckedContinuation { continuation in
            let isHeld = state.withLock { state in
                state.fetches += 1
                if state.isHeld { state.held.append(continuation) }
                return state.isHeld
            }
            if !isHeld { continuation.resume() }
        }
        return try state.withLock { $0.answer }.get()
    }

    static func set(_ names: [String]) -> String {
        let keys = names.map { name in
            #"{"kty":"oct","alg":"HS256","kid":"\#(name)","k":"\#(Base64.encode(secret(name), alphabet: .url, padding: false))"}"#
        }
        return #"{"keys":[\#(keys.joined(separator: ","))]}"#
    }

    /// A token of the key's; of another key if `signedBy` says so, and without a name if `kid` is nil.
    static func token(_ kid: String?, signedBy signer: String? = nil, expires: Timestamp = ManualClock.start + 86_400) throws -> String {
        let header = kid.map { #"{"alg":"HS256","kid":"\#($0)"}"# } ?? #"{"alg":"HS256"}"#
        let payload = #"{"sub":"\#(signer ?? kid ?? "")","tenantId":"acme","exp":\#(expires.seconds)}"#
        let key = try TokenKey(secret: secret(signer ?? kid ?? ""))
        return TokenMinter.sign(header: Array(header.utf8), payload: Array(payload.utf8), key, .hs256)
    }

    static func secret(_ name: String) -> [UInt8] { Array("the secret of at least thirty-two bytes of \(name)".utf8) }
}
