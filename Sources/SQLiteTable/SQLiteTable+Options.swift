import ChatStore

extension SQLiteTable {
    /// What a table may do to be quicker where its surroundings allow it.
    public struct Options: Sendable {
        /// Which items are kept in memory as they are written, so that reading them again reads no file: the newest 1,024
        /// to 2,048 of them. Only where this process alone writes the file; nil keeps none.
        public var caches: (@Sendable (Key) -> Bool)?

        /// Which writes must be on the disk before they are answered; nil: all. A write shares its commit with others, and
        /// waits with them.
        ///
        /// A write of others alone is answered once it is in the log, which the operating system has not flushed. It
        /// survives the death of the process, and may be lost when the machine loses power: then it and all such writes
        /// after it, until the next write that waits for the disk, which makes every one before it durable too. Order is
        /// kept: nothing is ever lost of which something later is there.
        public var isDurable: (@Sendable (TransactAction) -> Bool)?

        /// How long a commit may wait for company: as many writes as shared the one before. A table whose last commit
        /// held a single write never waits. Zero never waits at all; more than 2 ms is a mistake.
        public var gathering: Duration

        /// Called around the answers of each commit, on the writer's thread, which gives them in the order of their writes:
        /// it must call what it is given, once, and may gather what that wakes.
        public var answering: (@Sendable (_ answers: () -> Void) -> Void)?

        /// What suits callers who wait for an answer before they go on.
        public static let usualGathering = Duration.microseconds(500)

        public init(
            caches: (@Sendable (Key) -> Bool)? = nil, isDurable: (@Sendable (TransactAction) -> Bool)? = nil,
            gathering: Duration = usualGathering, answering: (@Sendable (_ answers: () -> Void) -> Void)? = nil
        ) {
            precondition(gathering >= .zero && gathering <= .milliseconds(2), "gathering is 0 to 2 ms")
            self.caches = caches
            self.isDurable = isDurable
            self.gathering = gathering
            self.answering = answering
        }
    }
}
