/// The members of a JSON object, in the order received and with every duplicate.
public struct JSONObject: Sendable {
    /// The members in order, duplicates included.
    public let members: [(name: String, value: JSONValue)]

    /// An object of these members in this order.
    public init(_ members: [(String, JSONValue)]) {
        self.members = members
    }

    /// The value of the member of this name, or nil when there is none; of duplicates the last counts.
    ///
    /// Names are compared by their UTF-8 bytes. Costs one pass over the members, which for the handful that a frame
    /// has is cheaper than any table, and stays linear for a hostile frame with thousands.
    public subscript(_ name: String) -> JSONValue? {
        members.last { $0.name.hasSameUTF8(as: name) }?.value
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

extension JSONObject: Equatable {
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.members.elementsEqual(right.members) {
            $0.name.hasSameUTF8(as: $1.name) && $0.value == $1.value
        }
    }
}
