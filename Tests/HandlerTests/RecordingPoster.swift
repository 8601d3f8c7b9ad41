import ChatBroadcast
import ChatModel
import Synchronization

/// The sockets as the service sees them: what each connection was sent, in order, and who is still there.
final class RecordingPoster: Poster {
    struct Close: Equatable {
        var id: String
        var code: ServerClose
    }

    private struct State {
        var open: Set<String> = []
        var frames: [String: [Frame]] = [:]
        var closes: [Close] = []
        var posts = 0
        var isDead = false
    }

    private let state = Mutex(State())

    /// Every call of ``post(_:to:)`` so far.
    var posts: Int { state.withLock { $0.posts } }
    var closes: [Close] { state.withLock { $0.closes } }
    var open: Set<String> { state.withLock { $0.open } }

    func connect(_ id: String) { state.withLock { _ = $0.open.insert(id) } }
    /// The socket is gone and nobody has said so.
    func lose(_ id: String) { state.withLock { _ = $0.open.remove(id) } }
    func frames(_ id: String) -> [Frame] { state.withLock { $0.frames[id] ?? [] } }
    func forgetFrames() { state.withLock { $0.frames = [:] } }
    /// A dead process posts nothing.
    func die(_ isDead: Bool) { state.withLock { $0.isDead = isDead } }

    func post(_ frame: [UInt8], to connections: [ConnectionID]) async -> [ConnectionID] {
        state.withLock { state in
            guard !state.isDead else { return [] }
            state.posts += 1
            return connections.filter { id in
                guard state.open.contains(id.text) else { return true }
                state.frames[id.text, default: []].append(Frame(frame))
                return false
            }
        }
    }

    func close(_ connection: ConnectionID, _ code: ServerClose) async {
        state.withLock { state in
            guard !state.isDead, state.open.remove(connection.text) != nil else { return }
            state.closes.append(Close(id: connection.text, code: code))
        }
    }
}
