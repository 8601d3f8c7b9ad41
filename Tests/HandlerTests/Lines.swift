import Logs
import Synchronization

/// What was logged.
final class Lines: Sendable {
    private let lines = Mutex("")
    var text: String { lines.withLock { $0 } }
    var log: Log { Log(level: .trace, sink: { line in self.lines.withLock { $0 += String(decoding: line, as: UTF8.self) } }) }
}
