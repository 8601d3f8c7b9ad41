/// How long the writer waits for more requests before it commits, as PostgreSQL's `commit_delay` and `commit_siblings`.
///
/// Those whose writes were answered together come again about together. If the last group held several, it is worth
/// waiting a moment for as many: a commit costs the same for one. A group of one says that there is no company.
struct GatherWindow: Equatable, Sendable {
    let bound: Duration
    private var last = 1

    init(bound: Duration) { self.bound = bound }

    /// How many requests to wait for; nil when those queued are to be committed at once.
    func target(queued: Int) -> Int? {
        guard bound > .zero, last > 1, queued > 0, queued < last else { return nil }
        return last
    }

    /// Notes how many requests a group held in the end.
    mutating func took(_ count: Int) { last = count }
}
