import ChatStore

/// One write on its way to the writer's thread, and who waits for it.
struct WriteRequest: Sendable {
    enum Work: Sendable {
        case actions([TransactAction])
        /// Deletes items whose `expiresAt` is below this, at most so many.
        case expiry(before: Int64, limit: Int)
    }

    let work: Work
    /// Whether the answer must carry the items as they were, needed or not for the work.
    let wantsOld: Bool
    let continuation: CheckedContinuation<Answer, Never>

    /// One change per action, once it is committed.
    typealias Answer = Result<[ItemChange], TableError>
}
