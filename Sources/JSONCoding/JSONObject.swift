/// The members of a JSON object, in the order received and with every duplicate.
public struct JSONObject: Sendable {
    public struct Member: Sendable {
        public let name: String
        public let value: JSONValue
    }

    /// The members in order, duplicates included.
    public let members: [Member]

    /// An object of these members in this order.
    public init(_ members: [(String, JSONValue)]) {
        self.members = members.map { Member(name: $0.0, value: $0.1) }
    }

    init(members: [Member]) {
        self.members = members
    }

    /// The value of the member of this name, or nil when there is none; of duplicates the last counts.
    ///
    /// Names are compared by their UTF-8 bytes. Costs one pass over the members, which for the handful that a frame
    /// has is cheaper than any table, and stays linear for a hostile frame with thousands.
    public subscript(_ name: String) -> JSONValue? {
        for index in members.indices.reversed() where members[index].name.hasSameUTF8(as: name) {
            return members[index].value
        }
        return nil
    }

    /// Whether two members have the same name, byte for byte. O(n log n).
    public var hasDuplicateNames: Bool {
        guard members.count > 1 else { return false }
        if members.count <= Self.pairwiseLimit {
            return members.indices.dropFirst().contains { later in
                members[..<later].contains { $0.name.hasSameUTF8(as: members[later].name) }
            }
        }
        let sorted = members.map { Array($0.name.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
        return zip(sorted, sorted.dropFirst()).contains { $0 == $1 }
    }

    /// Up to this many members, comparing every pair is cheaper than sorting.
    private static let pairwiseLimit = 16
}

extension JSONObject: Equatable {}

extension JSONObject.Member: Equatable {
    public static func == (left: JSONObject.Member, right: JSONObject.Member) -> Bool {
        left.name.hasSameUTF8(as: right.name) && left.value == right.value
    }
}
