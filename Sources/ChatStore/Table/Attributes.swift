import ChatModel

/// An item's attributes by name: a small array sorted by the names' bytes, one value per name.
///
/// Items have a dozen attributes at most. For so few a linear search is as quick as hashing, the array takes a third of a
/// dictionary's memory, comparing is one pass, and writing them in order needs no sort. Access costs O(n).
public struct Attributes: Equatable, Sendable {
    /// One attribute.
    public struct Member: Equatable, Sendable {
        public let name: String
        public var value: AttributeValue

        public static func == (a: Member, b: Member) -> Bool { bytesEqual(a.name, b.name) && a.value == b.value }
    }

    private var members: [Member] = []

    public init() {}

    /// Room for so many, so that adding them allocates once.
    public init(capacity: Int) { members.reserveCapacity(capacity) }

    /// The value of this name; setting nil takes the attribute away.
    public subscript(_ name: String) -> AttributeValue? {
        get {
            for member in members where bytesEqual(member.name, name) { return member.value }
            return nil
        }
        set {
            let place = place(of: name)
            let isThere = place < members.count && bytesEqual(members[place].name, name)
            switch (newValue, isThere) {
            case (let value?, true): members[place].value = value
            case (let value?, false): members.insert(Member(name: name, value: value), at: place)
            case (nil, true): members.remove(at: place)
            case (nil, false): break
            }
        }
    }

    public func filter(_ isIncluded: (Member) -> Bool) -> Attributes {
        var result = Attributes()
        result.members = members.filter(isIncluded)
        return result
    }

    /// Where the name is or belongs. Looks from the end: what is built in order is appended.
    private func place(of name: String) -> Int {
        var place = members.count
        while place > 0, !bytesPrecede(members[place - 1].name, name) { place -= 1 }
        return place
    }
}

extension Attributes: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { members.count }
    /// The attribute at this place in the order of names.
    public subscript(place: Int) -> Member { members[place] }
}

extension Attributes: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, AttributeValue)...) {
        self.init(capacity: elements.count)
        for (name, value) in elements { self[name] = value }
    }
}
