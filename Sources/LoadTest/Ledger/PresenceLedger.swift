/// What presence ought to have said, and what it said.
///
/// A member who was told that it is in the room before another asked to join hears of that join exactly once; of those who
/// came at the same time it may hear by the list of members instead. At the end all but the first member of each room leave,
/// and the first, the observer, hears of each leave exactly once.
struct PresenceLedger: Sendable {
    let members: Int
    private var askedAt: [Int64]
    private var joinedAt: [Int64]
    private var gone: [Bool]
    /// Bit `subject` of a connection's row: it heard that this member of its room joined.
    private var joins: [UInt64]
    private var leaves: Set<Int> = []
    private let words: Int

    private(set) var doubledJoins = 0
    private(set) var doubledLeaves = 0
    /// A leave of somebody who was there.
    private(set) var falseLeaves = 0

    init(rooms: Int, members: Int) {
        self.members = members
        words = (members + 63) / 64
        askedAt = [Int64](repeating: 0, count: rooms * members)
        joinedAt = [Int64](repeating: 0, count: rooms * members)
        gone = [Bool](repeating: false, count: rooms * members)
        // Made with the first join: without presence its square of members is not needed.
        joins = []
    }

    mutating func asked(_ connection: Int, at now: Int64) { askedAt[connection] = now }
    mutating func joined(_ connection: Int, at now: Int64) { joinedAt[connection] = now }
    /// The connection was closed, by whichever side.
    mutating func left(_ connection: Int) { gone[connection] = true }

    mutating func heardJoin(_ observer: Int, of subject: Int) {
        guard observer / members == subject / members else { return }
        if joins.isEmpty { joins = [UInt64](repeating: 0, count: joinedAt.count * words) }
        let place = observer * words + subject % members / 64
        let bit: UInt64 = 1 << UInt64(subject % members % 64)
        if joins[place] & bit != 0 { doubledJoins += 1 }
        joins[place] |= bit
    }

    mutating func heardLeave(_ observer: Int, of subject: Int) {
        guard observer / members == subject / members else { return }
        if !gone[subject] { falseLeaves += 1 }
        // Only the observers stay for all of them.
        if observer % members == 0, !leaves.insert(subject).inserted { doubledLeaves += 1 }
    }

    var missingJoins: Int {
        var missing = 0
        for observer in joinedAt.indices where joinedAt[observer] > 0 && (observer % members == 0 || !gone[observer]) {
            let first = observer - observer % members
            for subject in first..<first + members where subject != observer && joinedAt[subject] > 0 {
                guard askedAt[subject] > joinedAt[observer] else { continue }
                let member = subject - first
                if joins.isEmpty || joins[observer * words + member / 64] & 1 << UInt64(member % 64) == 0 { missing += 1 }
            }
        }
        return missing
    }

    /// Members who are gone and whose observer, still there, has not heard of it.
    var missingLeaves: Int {
        var missing = 0
        for subject in gone.indices where gone[subject] && joinedAt[subject] > 0 {
            let observer = subject - subject % members
            if subject != observer, !gone[observer], !leaves.contains(subject) { missing += 1 }
        }
        return missing
    }
}
