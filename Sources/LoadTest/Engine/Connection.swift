import WebSocketCodec

/// One member's connection.
final class Connection {
    enum Stage: Comparable {
        case waiting
        case connecting
        case upgrading
        case joining
        case joined
        /// Our close frame is out.
        case closing
        case ended
    }

    let index: Int
    var stage = Stage.waiting
    var transport: (any Transport)?
    var upgrade: WebSocketUpgrade?
    /// When it began to connect, and then to close.
    var since: Int64 = 0
    /// When something last left.
    var lastSent: Int64 = 0
    /// The beginning of a frame, or of the response, whose rest is to come.
    var pending: [UInt8] = []
    /// What the socket did not take.
    var output: [UInt8] = []
    /// Parts of a message that came in fragments.
    var fragments: [UInt8] = []
    var isFragmented = false

    init(index: Int) { self.index = index }
}
