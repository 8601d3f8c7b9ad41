import ChatStore

/// A table in one SQLite file: durable before it answers, one writer with group commit, readers beside it.
///
/// Several processes may have the file open. A write waits up to 5 s for another process's, then throws `.throttled`.
/// When the disk is full or fails, writes throw `.unavailable` and change nothing; the table works again when the disk does.
public final class SQLiteTable: Table {
    let writer: Writer?
    private let readers: Readers
    private let cache: ItemCache?
    private let pageSize: Int

    public enum Mode: Sendable {
        /// Makes the file, readable by its owner only, if there is none.
        case readWrite
        /// The file exists; a server may be writing it, or may have died. Writes throw `.invalid`.
        case readOnly
    }

    /// - Parameters:
    ///   - pageSize: The most items a page of a query looks at, whatever its limit says.
    ///   - onCommit: Called with what each commit changed, in commit order, on the writer's thread, before the writes of
    ///     that commit are answered. It delays every write and must not wait for one.
    public convenience init(
        path: String, mode: Mode = .readWrite, pageSize: Int = 1000, options: Options = Options(),
        onCommit: (@Sendable ([ItemChange]) -> Void)? = nil
    ) throws(SQLiteTableError) {
        switch mode {
        case .readWrite:
            let cache = options.caches.map(ItemCache.init(caches:))
            let connection = try Opening.writer(path)
            self.init(
                writer: Writer(connection, options: options, cache: cache, onCommit: onCommit),
                readers: Readers(path: path), cache: cache, pageSize: pageSize)
        case .readOnly:
            self.init(
                writer: nil, readers: Readers(path: path, first: try Opening.firstReader(path)), pageSize: pageSize)
        }
    }

    init(writer: Writer?, readers: Readers, cache: ItemCache? = nil, pageSize: Int) {
        precondition(pageSize > 0, "a page holds at least one item")
        self.writer = writer
        self.readers = readers
        self.cache = cache
        self.pageSize = pageSize
    }

    deinit { close() }

    /// Answers the writes that were made, moves the log into the database and closes the file. Calls after it throw
    /// `.unavailable`.
    public func close() {
        // Readers first: the last connection to go tidies up the log, which one that only reads cannot.
        readers.close()
        writer?.close()
        cache?.empty()
    }

    /// One queue, one thread. Another process may write in between.
    public var appliesInOrder: Bool { true }

    /// Transactions committed since the table was opened: fewer than the writes when they came together.
    public var commits: Int { writer?.commits.load(ordering: .relaxed) ?? 0 }

    public func get(_ key: Key, strong: Bool) async throws(TableError) -> Item? {
        try TableRules.check(key)
        if let item = cache?[key] { return item }
        return try readers.read { rows throws(StepError) in try rows.get(key) }
    }

    /// One snapshot: no commit is seen in part.
    public func get(_ keys: [Key], strong: Bool) async throws(TableError) -> [Item] {
        for key in keys { try TableRules.check(key) }
        let keys = keys.distinct
        guard let cache else { return try read { rows throws(StepError) in try rows.get(keys) } }
        let finding = cache.find(keys)
        if finding.missing.isEmpty { return finding.found }
        let others = try read { rows throws(StepError) in try rows.get(finding.missing) }
        if finding.found.isEmpty || cache.isCurrent(finding) { return finding.found + others }
        return try read { rows throws(StepError) in try rows.get(keys) }
    }

    public func query(_ query: Query) async throws(TableError) -> Page {
        try TableRules.check(query)
        let bound = min(query.limit ?? pageSize, pageSize)
        let items = try readers.read { rows throws(StepError) in try rows.query(query, limit: bound) }
        return Page(items: items, next: items.count == bound ? items.last.map { Cursor(of: $0, in: query.index) } : nil)
    }

    public func put(_ item: Item, if condition: Condition?) async throws(TableError) {
        try TableRules.check(item)
        _ = try await single(.put(item, if: condition))
    }

    public func update(_ update: Update, returning: ReturnedImage) async throws(TableError) -> Item? {
        try TableRules.check(update)
        let change = try await single(.update(update))
        switch returning {
        case .nothing: return nil
        case .before: return change.old
        case .after: return change.new
        }
    }

    public func delete(_ key: Key, if condition: Condition?) async throws(TableError) -> Item? {
        try TableRules.check(key)
        return try await single(.delete(key, if: condition), wantsOld: true).old
    }

    public func write(_ writes: [BatchWrite]) async throws(TableError) {
        try TableRules.check(writes)
        guard !writes.isEmpty else { return }
        _ = try await submit(.actions(writes.map(TransactAction.init)))
    }

    public func transact(_ actions: [TransactAction]) async throws(TableError) {
        try TableRules.check(actions)
        _ = try await submit(.actions(actions))
    }

    private func single(_ action: TransactAction, wantsOld: Bool = false) async throws(TableError) -> ItemChange {
        do {
            return try await submit(.actions([action]), wantsOld: wantsOld)[0]
        } catch {
            throw error.ofSingleWrite
        }
    }

    func submit(_ work: WriteRequest.Work, wantsOld: Bool = false) async throws(TableError) -> [ItemChange] {
        guard let writer else { throw .invalid("a write to a table opened for reading") }
        let answer: WriteRequest.Answer = await withCheckedContinuation { continuation in
            let request = WriteRequest(work: work, wantsOld: wantsOld, continuation: continuation)
            if !writer.submit(request) {
                continuation.resume(returning: .failure(.unavailable("the table is closed")))
            }
        }
        return try answer.get()
    }

    func read<Result>(_ body: (ItemRows) throws(StepError) -> Result) throws(TableError) -> Result {
        try readers.read(body)
    }
}

extension [Key] {
    /// Each key once. Most reads are of two or three, which need no set.
    fileprivate var distinct: [Key] {
        if count <= 8 {
            guard indices.contains(where: { place in self[..<place].contains(self[place]) }) else { return self }
        }
        var seen: Set<Key> = []
        return filter { seen.insert($0).inserted }
    }
}
