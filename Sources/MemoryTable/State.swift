import ChatStore

/// The table and its two indexes.
struct State {
    private(set) var items = SortedView(index: .table)
    private var gsi1 = SortedView(index: .gsi1)
    private var gsi2 = SortedView(index: .gsi2)
    /// Changes that the indexes, and reads that are not strong, have not seen.
    private var unsettled: [ItemChange] = []
    private let indexLag: Bool
    private let readLag: Bool

    init(indexLag: Bool, readLag: Bool) {
        self.indexLag = indexLag
        self.readLag = readLag
    }

    /// The table as a read sees it. One that lags undoes what it has not seen: O(n) of the table, but nothing where nobody reads so.
    func items(strong: Bool) -> SortedView {
        guard readLag, !strong else { return items }
        var earlier = items
        for change in unsettled.reversed() { earlier.apply(ItemChange(old: change.new, new: change.old)) }
        return earlier
    }

    func view(_ index: IndexName, strong: Bool) -> SortedView {
        switch index {
        case .table: items(strong: strong)
        case .gsi1: gsi1
        case .gsi2: gsi2
        }
    }

    mutating func apply(_ changes: [ItemChange]) {
        for change in changes { items.apply(change) }
        unsettled += changes
        if !indexLag { settleIndexes() }
    }

    mutating func settleIndexes() {
        for change in unsettled {
            let projected = ItemChange(
                old: change.old.map(IndexProjection.project), new: change.new.map(IndexProjection.project))
            gsi1.apply(projected)
            gsi2.apply(projected)
        }
        unsettled = []
    }
}
