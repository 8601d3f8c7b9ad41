import ChatStore
import Synchronization

/// Items that are read again and again, as the last commit left them.
///
/// Only the writer puts items in, after they are committed, and takes them out before they change: so what is here is
/// what the file holds, and a reader that finds nothing reads the file. Readers never put anything in, so none can bring
/// back what a commit has just replaced. For a process that alone writes the file.
final class ItemCache: Sendable {
    fileprivate struct State {
        /// Two generations: what neither was written nor read since the one before the last began is forgotten.
        var young: [Key: Item] = [:]
        var old: [Key: Item] = [:]
        /// Counts the commits that were begun.
        var era: UInt64 = 0
    }

    /// What several keys have here.
    struct Finding {
        var found: [Item] = []
        var missing: [Key] = []
        /// To be shown to ``isCurrent(_:)``.
        let era: UInt64
    }

    private let state = Mutex(State())
    private let caches: @Sendable (Key) -> Bool

    /// Items in a generation: about 1 MB of connections, which 10,000 idle ones must not outgrow.
    static let generation = 1024

    /// - Parameter caches: Whether items of a key are worth keeping.
    init(caches: @escaping @Sendable (Key) -> Bool) { self.caches = caches }

    subscript(_ key: Key) -> Item? { state.withLock { $0.find(key) } }

    /// - Parameter keys: no key twice.
    func find(_ keys: [Key]) -> Finding {
        state.withLock { state in
            var finding = Finding(era: state.era)
            for key in keys {
                if let item = state.find(key) { finding.found.append(item) } else { finding.missing.append(key) }
            }
            return finding
        }
    }

    /// Whether no commit has begun since: then what was found is as new as what was read from the file meanwhile.
    func isCurrent(_ finding: Finding) -> Bool { state.withLock { $0.era == finding.era } }

    /// Takes out what a commit is about to change, so that nobody reads it here after others have seen the new in the file.
    func beginCommit(of changed: some Sequence<Key>) {
        state.withLock { state in
            state.era += 1
            for key in changed where caches(key) {
                if state.young.removeValue(forKey: key) == nil { state.old[key] = nil }
            }
        }
    }

    /// Puts in what a commit has written.
    func endCommit(of written: some Sequence<Item>) {
        state.withLock { state in
            for item in written where caches(item.key) { state.store(item) }
        }
    }

    /// Forgets everything, when the file turned out to hold something else.
    func empty() {
        state.withLock { $0 = State(era: $0.era + 1) }
    }
}

extension ItemCache.State {
    mutating func find(_ key: Key) -> Item? {
        if let item = young[key] { return item }
        guard let item = old.removeValue(forKey: key) else { return nil }
        store(item)
        return item
    }

    mutating func store(_ item: Item) {
        if young.count >= ItemCache.generation {
            old = young
            young = [:]
        }
        young[item.key] = item
    }
}
