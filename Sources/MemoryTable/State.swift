import ChatStore

/// The table and its two indexes.
struct State {
    private(set) var items = SortedView(index: .table)
    private var gsi1 = SortedView(index: .gsi1)
    private var gsi2 = SortedView(index: .gsi2)
    /// Changes that the indexes have not seen.
    private var unsettled: [ItemChange] = []
    private let indexLag: Bool

    init(indexLag: Bool) {
        self.indexLag = indexLag
    }

    func view(_ index: IndexName) -> SortedView {
        switch index {
        case .table: items
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
