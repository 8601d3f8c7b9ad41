import CSQLite
import ChatStore

/// The requests of one transaction, judged one after the other in memory and then written together.
///
/// Used by the writer's thread alone.
struct GroupPlan {
    let rows: ItemRows
    let writer: RowWriter
    let cache: ItemCache?
    /// Whether old images are wanted of every change.
    let hasFeed: Bool
    /// Whether everything is read from the file. Otherwise the cache is trusted, and an item that a put expects to be
    /// absent is believed to be: if SQLite then finds one the group is done again with care.
    let isCareful: Bool

    private var overlay = Overlay()

    init(rows: ItemRows, writer: RowWriter, cache: ItemCache?, hasFeed: Bool, isCareful: Bool) {
        self.rows = rows
        self.writer = writer
        self.cache = cache
        self.hasFeed = hasFeed
        self.isCareful = isCareful
    }

    /// What the file holds otherwise than before, each item once; of the items written so far.
    var written: [Overlay.Entry] { overlay.entries.filter(\.isWritten) }

    /// Judges the whole request before it notes anything, so that refusing it leaves no trace.
    mutating func perform(_ request: WriteRequest) throws(SQLiteFailure) -> WriteRequest.Answer {
        do {
            let actions = try actions(request.work)
            var images: [Image] = []
            images.reserveCapacity(actions.count)
            for action in actions { images.append(try image(for: action, request, believing: !isCareful)) }
            if let changes = try? WritePlan.changes(of: actions, before: images.map(\.current)) {
                return .success(note(changes, of: actions, images))
            }
            // Refusals show what is stored, so that nothing may be believed in them.
            for place in images.indices where images[place].isBelief {
                images[place] = try image(for: actions[place], request, believing: false)
            }
            return .success(note(try plan(actions, images), of: actions, images))
        } catch {
            switch error {
            case .table(let error): return .failure(error)
            case .sqlite(let failure): throw failure
            }
        }
    }

    /// Writes what the requests so far have changed.
    mutating func flush() throws(SQLiteFailure) {
        for entry in overlay.entries where entry.isChanged { try write(entry) }
        overlay.settle()
    }

    private func write(_ entry: Overlay.Entry) throws(SQLiteFailure) {
        switch (entry.stored, entry.current) {
        case (.known(let old?), let new?):
            guard try writer.replace(old, by: new) else {
                // Somebody else writes the file of which the cache believes that nobody does.
                cache?.empty()
                throw .misbelief
            }
        case (.known(nil), let new?), (.believedAbsent, let new?): try writer.insert(new)
        case (.unknown, let new?): try writer.put(new)
        case (.known, nil), (.unknown, nil): try writer.delete(entry.key)
        case (.believedAbsent, nil):
            if try rows.contains(entry.key) { throw .misbelief }
        }
    }

    private mutating func actions(_ work: WriteRequest.Work) throws(StepError) -> [TransactAction] {
        switch work {
        case .actions(let actions): return actions
        case .expiry(let seconds, let limit):
            // SQLite has to see what the requests before have done.
            do { try flush() } catch { throw .sqlite(error) }
            return try rows.expiredKeys(before: seconds, limit: limit).map { .delete($0, if: nil) }
        }
    }

    private func plan(_ actions: [TransactAction], _ images: [Image]) throws(StepError) -> [ItemChange] {
        do {
            return try WritePlan.changes(of: actions, before: images.map(\.current))
        } catch {
            throw .table(error)
        }
    }

    private mutating func note(
        _ changes: [ItemChange], of actions: [TransactAction], _ images: [Image]
    ) -> [ItemChange] {
        for place in changes.indices {
            // Nothing is known of an item that is not read and not changed.
            overlay.set(actions[place].key, to: changes[place].new, stored: images[place].stored)
        }
        return changes
    }
}

extension GroupPlan {
    /// An item as an action finds it.
    private struct Image {
        let stored: Overlay.Stored
        let current: Item?
        var isBelief: Bool { if case .believedAbsent = stored { true } else { false } }
    }

    private func image(
        for action: TransactAction, _ request: WriteRequest, believing: Bool
    ) throws(StepError) -> Image {
        let key = action.key
        if let entry = overlay[key] { return Image(stored: entry.stored, current: entry.current) }
        if !isCareful, let item = cache?[key] { return Image(stored: .known(item), current: item) }
        let isNeeded = request.wantsOld || hasFeed || action.readsItem
        guard isNeeded else { return Image(stored: .unknown, current: nil) }
        if believing, case .put(_, let condition) = action, condition?.holds(for: nil) ?? true {
            return Image(stored: .believedAbsent, current: nil)
        }
        let item = try rows.get(key)
        return Image(stored: .known(item), current: item)
    }
}

extension SQLiteFailure {
    /// An item was not where it was believed to be, or was where none was.
    fileprivate static let misbelief = SQLiteFailure(
        code: SQLITE_CONSTRAINT, message: "the file holds something else", context: "writing")
}
