import ChatBroadcast
import ChatModel
import Simulation
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
        var failing: Set<String> = []
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
    /// Posts to it fail for now, and so does closing it.
    func fail(_ id: String, _ fails: Bool = true) {
        state.withLock { state in
            if fails { state.failing.insert(id) } else { state.failing.remove(id) }
        }
    }
    /// A dead process posts nothing.
    func die(_ isDead: Bool) { state.withLock { $0.isDead = isDead } }

    func post(_ frame: [UInt8], to connections: [ConnectionID]) async -> Delivery {
        state.withLock { state in
            guard !state.isDead else { return Delivery() }
            state.posts += 1
            var delivery = Delivery()
            for id in connections {
                if state.failing.contains(id.text) {
                    delivery.failed.append(id)
                } else if state.open.contains(id.text) {
                    state.frames[id.text, default: []].append(Frame(frame))
                } else {
                    delivery.gone.append(id)
                }
            }
            return delivery
        }
    }

    func close(_ connection: ConnectionID, _ code: ServerClose) async -> SocketClosing {
        state.withLock { state in
            guard !state.isDead, !state.failing.contains(connection.text) else { return .failed }
            guard state.open.remove(connection.text) != nil else { return .absent }
            state.closes.append(Close(id: connection.text, code: code))
            return .closed
        }
    }
}
