/// Received bytes that are not consumed yet, and how far the search for a line end has come in them.
struct ReceiveBuffer: Sendable {
    private var storage: [UInt8] = []
    private var start = 0
    /// Everything before it was searched for a line feed already, so that a slow sender costs no rescans.
    private var searched = 0

    /// Bytes that are not consumed yet.
    var count: Int { storage.count - start }

    var first: UInt8? { start < storage.count ? storage[start] : nil }

    mutating func append(_ bytes: RawSpan) {
        compact()
        unsafe bytes.withUnsafeBytes { unsafe storage.append(contentsOf: $0) }
    }

    mutating func append(_ bytes: [UInt8]) {
        compact()
        storage.append(contentsOf: bytes)
    }

    enum Line {
        /// Without its CRLF.
        case complete(ArraySlice<UInt8>)
        /// No line feed among the bytes here, and there may be one yet.
        case incomplete
        /// A line feed without a carriage return, which some readers take for a line end and others do not.
        case bareLineFeed
        /// No line feed where a line of the longest size would have it.
        case tooLong
    }

    /// Consumes one line of at most `longest` bytes without its CRLF.
    ///
    /// Nothing after those bytes is looked at, so that what is said of a line never depends on how much more is here.
    mutating func takeLine(longest: Int) -> Line {
        let bound = start + longest + 2
        while searched < min(storage.count, bound) {
            if storage[searched] == ASCII.lf {
                guard searched > start, storage[searched - 1] == ASCII.cr else { return .bareLineFeed }
                let line = storage[start..<(searched - 1)]
                searched += 1
                start = searched
                return .complete(line)
            }
            searched += 1
        }
        return storage.count < bound ? .incomplete : .tooLong
    }

    /// Consumes up to `limit` bytes.
    mutating func take(upTo limit: Int) -> ArraySlice<UInt8> {
        let end = start + min(limit, count)
        defer {
            start = end
            searched = max(searched, end)
        }
        return storage[start..<end]
    }

    /// Consumes everything.
    mutating func takeAll() -> [UInt8] {
        let rest = start == 0 ? storage : Array(storage[start...])
        self = ReceiveBuffer()
        return rest
    }

    private mutating func compact() {
        // Moving the rest only when it is the smaller part keeps the moving linear in the bytes received.
        guard start > count else { return }
        storage.removeFirst(start)
        searched -= start
        start = 0
    }
}
