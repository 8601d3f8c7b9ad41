import ChatStore

/// A query's sort-key range and cursor as one half-open range of bytes, `lower..<upper`.
///
/// The bytes right after a key are the key and U+0000; the bytes right after all keys with a prefix are the prefix with
/// its last byte raised, which is no UTF-8 and need not be: SQLite compares memory.
struct ByteRange: Equatable {
    var lower: [UInt8] = []
    var upper: [UInt8] = ByteRange.pastAllText

    /// No UTF-8 text has a byte this high.
    static let pastAllText: [UInt8] = [0xFF]

    init(_ query: Query) {
        switch query.range {
        case .all: break
        case .prefix(let prefix):
            lower = Array(prefix.utf8)
            upper = ByteRange.end(ofPrefix: prefix)
        case .between(let low, let high):
            lower = Array(low.utf8)
            upper = ByteRange.justAfter(high)
        case .above(let bound): lower = ByteRange.justAfter(bound)
        case .below(let bound): upper = Array(bound.utf8)
        }
        guard let after = query.after else { return }
        // The cursor is inside the range, so it narrows it. In an index other items may share its sort key.
        switch (after.index, query.ascending) {
        case (nil, true): lower = ByteRange.justAfter(after.key.sk)
        case (nil, false): upper = Array(after.key.sk.utf8)
        case (let key?, true): lower = Array(key.sk.utf8)
        case (let key?, false): upper = ByteRange.justAfter(key.sk)
        }
    }

    static func end(ofPrefix prefix: String) -> [UInt8] {
        var bytes = Array(prefix.utf8)
        guard let last = bytes.popLast() else { return pastAllText }
        // UTF-8 ends at 0xF4, so this cannot overflow.
        return bytes + [last + 1]
    }

    private static func justAfter(_ text: String) -> [UInt8] { Array(text.utf8) + [0] }
}
