/// One `name=value` of a query, decoded.
public struct QueryItem: Sendable, Equatable {
    public var name: String
    public var value: String

    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }

    /// The items of a raw query in order, repeated names included.
    ///
    /// A name without `=` has an empty value and empty pieces between `&`s are left out. Nil when a piece is
    /// not strictly percent-encoded UTF-8.
    public static func parse(_ query: String, plusIsSpace: Bool = false) -> [QueryItem]? {
        var items: [QueryItem] = []
        for piece in query.utf8.split(separator: UInt8(ascii: "&")) {
            let equals = piece.firstIndex(of: UInt8(ascii: "=")) ?? piece.endIndex
            let rawValue = equals < piece.endIndex ? Substring(piece[piece.index(after: equals)...]) : ""
            guard let name = PercentCoding.decoded(Substring(piece[..<equals]), plusIsSpace: plusIsSpace),
                let value = PercentCoding.decoded(rawValue, plusIsSpace: plusIsSpace)
            else { return nil }
            items.append(QueryItem(name: name, value: value))
        }
        return items
    }
}
